"""The columns of a window follow from the signature and the reference of a version."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from model_store.file_store import FileModelStore
from monitoring.criteria import monitored_columns
from monitoring.statistics import profile
from tests.api.conftest import POLICY, sum_draft
from tests.publisher_key import SIGNER


def test_out_of_range_is_what_the_signature_calls_so(tmp_path: Path) -> None:
    """That is what counts predicted rows; the reference is of fewer rows. Answers have theirs."""
    kinds = dict.fromkeys(("a", "b", "total"), "number")
    reference = profile(dict.fromkeys(kinds, np.array([2.0, 3.0])), kinds)
    store = FileModelStore(tmp_path, POLICY, signer=SIGNER)
    draft = replace(sum_draft(), reference=msgspec.json.encode(reference))
    version = store.publish(draft)
    found = monitored_columns(
        store.manifest("sum", version), store.reference("sum", version), personal_fields=()
    )
    a, b, total = (column.ends for column in found)
    assert (a, b) == ((0, 9), (0, 4))
    assert np.isnan(total).all()
