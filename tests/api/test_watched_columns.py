"""The columns of a window, as the signature and the reference of a version tell them."""

from dataclasses import replace

import msgspec
import numpy as np

from api.settings import Settings
from api.watch import watched_columns
from model_store.file_store import FileModelStore
from monitoring.statistics import profile
from tests.api.conftest import sum_draft


def test_out_of_range_is_what_the_signature_calls_so(store: FileModelStore) -> None:
    """That is what counts predicted rows; the reference is of fewer rows. Answers have theirs."""
    kinds = dict.fromkeys(("a", "b", "total"), "number")
    reference = profile(dict.fromkeys(kinds, np.array([2.0, 3.0])), kinds)
    draft = replace(sum_draft(), reference=msgspec.json.encode(reference))
    version = store.publish(draft)
    found = watched_columns(
        store.manifest("sum", version), store.reference("sum", version), Settings()
    )
    a, b, total = (column.ends for column in found)
    assert (a, b) == ((0, 9), (0, 4))
    assert np.isnan(total).all()
