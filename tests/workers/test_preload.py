"""What models need is imported before the workers are made, and no model is loaded for it."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression

from model_store.bundle import Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.schema.infer_signature import infer_signature
from model_store.store import LoadPolicy
from tests.mlops.conftest import Publish
from tests.publisher_key import PUBLISHERS, SIGNER, trust_tests

UNCOMPILED = "sklearn.compose._target.TransformedTargetRegressor"

SCRIPT = """
import json, os, sys
from settings.settings import Settings
from workers.preload import preload
from mlops.process.threads import use_one_thread

use_one_thread()
before = set(sys.modules)
preload(Settings())
print(json.dumps([sorted(set(sys.modules) - before), len(os.listdir("/proc/self/task"))]))
"""


def preloaded() -> tuple[set[str], int]:
    """Return what a process has imported for the models of the store, and its threads."""
    found = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    modules, threads = json.loads(found.stdout)
    return set(modules), threads


@pytest.mark.slow  # it imports scikit-learn in two processes
def test_the_modules_of_the_models_are_imported(
    local_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this test they are those of scikit-learn, for a model without a compiled form."""
    monkeypatch.setenv("MODEL_TRUSTED_TYPES", UNCOMPILED)
    trust_tests(local_data)
    policy = LoadPolicy(trusted_types=(UNCOMPILED,), publishers=PUBLISHERS)
    store = FileModelStore(local_data / "models", policy, signer=SIGNER)
    x = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    estimator = TransformedTargetRegressor(LinearRegression()).fit(x, x["x"])
    signature = infer_signature(x, pd.DataFrame({"y": x["x"]}))
    draft = Draft(
        model="line",
        task="regression",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, x),
    )
    store.promote("line", store.publish(draft))
    # By default such a model answers in a process of its own, and is imported there.
    assert preloaded() == (set(), 1)
    monkeypatch.setenv("MODEL_PROCESSES", "0")
    assert {"sklearn.compose._target", "skops.io"} <= preloaded()[0]


def test_modules_that_start_threads_are_not_imported(publish: Publish) -> None:
    """A compiled model needs nothing else that takes long."""
    publish()
    assert preloaded() == (set(), 1)


def test_a_store_that_cannot_be_read_is_no_obstacle(local_data: Path, publish: Publish) -> None:
    """The workers will say what is wrong with it."""
    publish()
    (local_data / "models" / "line" / "aliases.json").write_text("{")
    assert preloaded() == (set(), 1)
