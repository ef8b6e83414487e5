"""Tables of arrays: a column of cells, whatever file they came from."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from model_store.errors import SignatureError
from model_store.schema.arrays.array_cells import arrays_of, comparable, packed, unpacked
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.schema.row_decoder import RowDecoder
from model_store.schema.signature import Column, Kind, Signature


def signature(cells: list[Any]) -> Signature:
    """Return the signature of a model of one column of arrays."""
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=object)})
    return infer_signature(frame, pd.DataFrame({"y": range(len(cells))}))


def nested_as_parquet_does() -> np.ndarray:
    """Return an array of arrays."""
    cell = np.empty(2, object)
    cell[0], cell[1] = np.array([1, 2], "uint8"), np.array([3, 4], "uint8")
    return cell


@pytest.mark.parametrize(
    ("cells", "dtype", "shape"),
    [
        ([[1, 2], [3, 4]], "int64", (2,)),
        ([(1.5, 2), None], "float64", (2,)),
        ([[[True]], [[False]]], "bool", (1, 1)),
        ([np.zeros((28, 28), "uint8")], "uint8", (28, 28)),
        ([np.zeros(3, "float16")], "float32", (3,)),
        ([np.zeros(3, "uint64")], "int64", (3,)),
        ([nested_as_parquet_does()], "uint8", (2, 2)),
    ],
)
def test_a_column_of_arrays_is_one_column(
    cells: list[Any], dtype: str, shape: tuple[int, ...]
) -> None:
    """With the type of its numbers, their shape, and their range."""
    (column,) = signature(cells).inputs
    assert (column.kind, column.dtype, column.shape) == (Kind.ARRAY, dtype, shape)
    assert column.nullable == (None in [cell if cell is None else 0 for cell in cells])
    assert column.minimum is not None


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ([[1, 2], [1, 2, 3]], "several shapes: 2 first, and 3 in row 2"),
        ([[1, 2], [[1, 2]]], "several shapes"),
        ([[1, [2]]], "not of numbers alone"),
        ([["a", "b"]], "not of numbers alone"),
        ([[1, None]], "not of numbers alone"),
        ([[]], "is empty"),
        ([[1, 2], "3"], "a cell that is none"),
        ([[1.0, np.nan]], "NaN"),
        ([np.array([1, np.inf], "float32")], "infinity"),
        ([[2**53 + 1]], "beyond 2[*][*]53"),
        ([np.zeros(1_000_001, "bool")], "1,000,000 are allowed"),
    ],
)
def test_what_no_request_could_hold_is_named(cells: list[Any], word: str) -> None:
    """By the column, with what to do."""
    with pytest.raises(SignatureError, match=word):
        signature(cells)


def test_a_table_is_what_its_rows_give() -> None:
    """A model is trained on what it is served: values, types, and what is missing."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "picture": [*random.integers(0, 255, (5, 2, 3)).astype("uint8")],
            "maybe": [[0.5, 1.0], None, [2.0, 3.0], None, [4.0, 5.0]],
            "n": range(5),
        }
    )
    found = infer_signature(frame, pd.DataFrame({"y": range(5)}))
    conformed = conform(frame, found.inputs)
    decoder = RowDecoder(found)
    sent = frame.to_json(orient="records").encode()
    served = decoder.columns([decoder.decode(sent)])
    for name, array in arrays_of(conformed, found.inputs).items():
        np.testing.assert_array_equal(served[name], array)
        assert served[name].dtype == array.dtype
    pd.testing.assert_frame_equal(conform(conformed, found.inputs), conformed)


def test_a_table_outlives_a_file(tmp_path: Path) -> None:
    """Parquet has no column of two-dimensional arrays: they are bytes in it."""
    pictures = pd.Series([np.full((2, 2), n, "int16") for n in range(3)] + [None], dtype=object)
    frame = pd.DataFrame({"x": pictures, "n": range(4)})
    columns = signature(list(pictures)).inputs
    conformed = conform(frame, columns)
    packed(conformed, columns).to_parquet(tmp_path / "t.parquet")
    read = conform(unpacked(pd.read_parquet(tmp_path / "t.parquet"), columns), columns)
    pd.testing.assert_frame_equal(read, conformed)


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ([[[1, 2]]], "1 x 2 numbers where"),
        ([[1, 2, 3]], "3 numbers where"),
        ([[1, 300]], "no uint8"),
        ([[1, 0.5]], "no uint8"),
        ([1], "holds integer values"),
    ],
)
def test_a_later_table_has_the_same_arrays(cells: list[Any], word: str) -> None:
    """Or is refused; whole floats and wider integers fit where their values do."""
    column = Column(name="x", kind=Kind.ARRAY, dtype="uint8", shape=(2,))
    later = conform(pd.DataFrame({"x": pd.Series([[1.0, 255.0]], dtype=object)}), [column])
    assert later["x"][0].dtype == np.uint8
    with pytest.raises(SignatureError, match=word):
        conform(pd.DataFrame({"x": pd.Series(cells, dtype=object)}), [column])


def test_equal_arrays_compare_equal() -> None:
    """So that repeated rows are found, and distinct values counted."""
    frame = pd.DataFrame({"x": [np.array([1, 2]), np.array([1, 2]), None, np.array([2, 1])]})
    assert comparable(frame).duplicated().tolist() == [False, True, False, False]
    assert comparable(frame)["x"].nunique() == 2


def test_a_batch_may_miss_every_array() -> None:
    """As it may miss every value of any nullable column."""
    column = Column(name="x", kind=Kind.ARRAY, dtype="int8", shape=(2, 2), nullable=True)
    frame = conform(pd.DataFrame({"x": [None, None]}), [column])
    assert frame["x"].isna().all()
    assert np.isnan(arrays_of(frame, [column])["x"]).all()
