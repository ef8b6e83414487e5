"""Personal arrays, such as faces: no golden row holds one of a person."""

import numpy as np
import pandas as pd

from ml_pipe.runner.run.personal import made_up, without_values
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature

RANDOM = np.random.default_rng(0)


def test_made_up_arrays_are_of_one_number_and_a_gap_stays_one() -> None:
    """Of the same shape and type, so that the golden rows are requests."""
    for dtype in ("uint8", "bool", "float32"):
        faces = [*RANDOM.integers(0, 2, (40, 4, 4)).astype(dtype)]
        faces[3] = None
        frame = pd.DataFrame({"face": pd.Series(faces, dtype=object), "n": range(40)})
        signature = infer_signature(frame, pd.DataFrame({"y": range(40)}))
        table = conform(frame, signature.inputs)
        found = made_up(table, signature, ["face"], seed=1)
        assert found["face"].isna().tolist() == table["face"].isna().tolist()
        for cell in found["face"].dropna():
            assert (cell.shape, cell.dtype) == ((4, 4), dtype)
            assert len(np.unique(cell)) == 1
        assert found["n"].equals(table["n"])
        conform(found, signature.inputs)
        shown = without_values(signature, ["face"]).inputs[0]
        assert (shown.minimum, shown.shape) == (None, (4, 4))
