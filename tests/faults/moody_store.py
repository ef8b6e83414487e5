"""Publishes the model `moody`, and says what a service needs that serves it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from model_store.bundle import Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.manifest import Origin
from model_store.schema.infer_signature import infer_signature
from model_store.store import LoadPolicy
from tests.faults.conftest import Sums
from tests.faults.ledger import Judge
from tests.faults.load import judge_sums
from tests.faults.moody import Moody
from tests.publisher_key import PUBLISHERS, SIGNER

VARIABLES = {
    "MODEL_NAME": "moody",
    "MODEL_FORMATS": "skops,pickle",
    # The class is found where the tests are.
    "PYTHONPATH": str(Path(__file__).parents[2]),
}
"""What a service needs that serves it."""
IN_SERVICE = VARIABLES | {"MODEL_PROCESSES": "0"}
"""The same where it answers in the service's process, to leave a note in its folder."""


@dataclass(frozen=True)
class MoodyStore:
    """A store of the model `moody`, and of `sum`."""

    root: Path
    """The folder `models`."""
    version: str
    """The one of `moody`."""
    judge: Judge
    """Says whether an answer of either is right."""


def publish(sums: Sums, folder: Path, *, work: int = 0) -> MoodyStore:
    """Publish `moody` in a copy of the store of sums; a row costs it so much work."""
    inputs = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0) % 5})
    estimator = Moody(work)
    signature = infer_signature(inputs, pd.DataFrame({"total": inputs["a"]}))
    draft = Draft(
        model="moody",
        task="regression",
        estimator=estimator,
        format="pickle",
        signature=signature,
        golden=golden_rows(estimator, signature, inputs),
        # So that no version of the other model has the same name.
        origin=Origin(setup="moody"),
    )
    root = sums.copied(folder).root
    policy = LoadPolicy(frozenset({"skops", "pickle"}), publishers=PUBLISHERS)
    store = FileModelStore(root, policy, signer=SIGNER)
    version = store.publish(draft)
    store.promote("moody", version)
    return MoodyStore(root, version, judge_sums(sums.factors | {version: 2.0}))
