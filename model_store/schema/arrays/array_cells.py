"""Arrays in tables: a column of cells, each a numpy array of one shape, None where missing.

784 numbers of a picture are one column of a table, and of a request, a metric and a report.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from model_store.errors import SignatureError
from model_store.schema.arrays.array_values import Cell, missing_rows, stacked
from model_store.schema.signature import ARRAY_DTYPES, LARGEST_INTEGER, MOST_NUMBERS, Column, Kind

if TYPE_CHECKING:
    import pandas as pd

_CELLS = (list, tuple, np.ndarray)
_NARROWED = {"float16": "float32", "longdouble": "float64", "uint64": "int64"}


def holds_arrays(series: "pd.Series[Any]") -> bool:
    """Return whether a column of a table holds arrays, or lists; its first value says it."""
    if series.dtype != object:
        return str(series.dtype).startswith(("list<", "large_list<", "fixed_size_list<"))
    first = next((value for value in series if value is not None), None)
    return isinstance(first, _CELLS)


def read_cells(series: "pd.Series[Any]") -> tuple[np.ndarray, np.ndarray]:
    """Return the arrays of a column, `(present, *shape)`, and which are missing, `(rows,)`.

    Raises:
        SignatureError: they are of several shapes, or not of numbers alone.
    """
    cells = [_array(value, series) for value in series]
    present = [cell for cell in cells if cell is not None]
    missing = np.array([cell is None for cell in cells], bool)
    for place, cell in enumerate(cells):
        if cell is not None and cell.shape != present[0].shape:
            raise SignatureError(
                f'The column "{series.name}" holds arrays of several shapes: {_by(present[0])} '
                f"first, and {_by(cell)} in row {place + 1}. Give all of them one shape, as by "
                "scaling or padding."
            )
    array = np.stack(present) if present else np.empty((0, 1))
    return _of_known_dtype(array, series), missing


def to_cells(array: np.ndarray, dtype: str = "") -> np.ndarray:
    """Return arrays, `(rows, *shape)`, as the cells of a table: `(rows,)`, None where missing.

    Args:
        array: as a request gives it.
        dtype: the type of each cell; empty: that of the array.
    """
    cells = np.empty(len(array), object)
    missing = missing_rows(array)
    for place in range(len(array)):
        if not missing[place]:
            cells[place] = array[place].astype(dtype or array.dtype, copy=False)
    return cells


def arrays_of(frame: "pd.DataFrame", columns: Iterable[Column]) -> dict[str, np.ndarray]:
    """Return a conformed table as a request gives it: one array a column, by name."""
    return {
        column.name: stacked(list(frame[column.name]), column)
        if column.kind is Kind.ARRAY
        else frame[column.name].to_numpy()
        for column in columns
    }


def comparable(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table whose arrays are bytes, which can be compared and counted."""
    packed = {str(name): _packed(frame[name]) for name in frame if holds_arrays(frame[name])}
    return frame.assign(**packed) if packed else frame


def packed(frame: "pd.DataFrame", columns: Sequence[Column]) -> "pd.DataFrame":
    """Return a conformed table whose arrays are bytes, as a file can hold them."""
    found = {c.name: _packed(frame[c.name]) for c in columns if c.kind is Kind.ARRAY}
    return frame.assign(**found) if found else frame


def unpacked(frame: "pd.DataFrame", columns: Sequence[Column]) -> "pd.DataFrame":
    """Return the table that `packed` was given."""
    arrays: dict[str, Any] = {}
    for column in columns:
        if column.kind is Kind.ARRAY:
            cells = np.empty(len(frame), object)
            for place, content in enumerate(frame[column.name]):
                if content is not None:
                    cells[place] = np.frombuffer(content, column.dtype).reshape(column.shape)
            arrays[column.name] = cells
    return frame.assign(**arrays) if arrays else frame


def _packed(series: "pd.Series[Any]") -> np.ndarray:
    packed_cells = np.empty(len(series), object)
    for place, value in enumerate(series):
        cell = _array(value, series)
        if cell is not None:
            packed_cells[place] = cell.tobytes()
    return packed_cells


def _array(value: Any, series: "pd.Series[Any]") -> Cell:
    """Return a cell as an array, whatever nests in it; None: it is missing."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    try:
        array = _nested(value) if isinstance(value, _CELLS) else np.empty(0)
    except (TypeError, ValueError):
        array = np.empty(0)
    if not array.size or array.dtype.kind not in "biuf":
        raise SignatureError(
            f'The column "{series.name}" holds arrays, and a cell that is none, is empty, or is '
            "not of numbers alone in one shape: mend the cell, or leave the column out."
        )
    return array


def _nested(value: Any) -> np.ndarray:
    """Return lists as an array; Parquet nests them as arrays of arrays.

    Raises:
        ValueError: they are of several shapes.
    """
    array = np.asarray(value)
    if array.dtype == object:
        return np.stack([_nested(each) for each in value])
    return array


def _of_known_dtype(array: np.ndarray, series: "pd.Series[Any]") -> np.ndarray:
    name = _NARROWED.get(array.dtype.name, array.dtype.name)
    if array[:1].size > MOST_NUMBERS:
        raise SignatureError(
            f'The column "{series.name}" holds arrays of {array[:1].size:,} numbers, and '
            f"{MOST_NUMBERS:,} are allowed: make them smaller."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise SignatureError(
            f'The column "{series.name}" holds arrays with a NaN or an infinity, which requests '
            "cannot carry: put numbers in their place, or null in place of the whole array."
        )
    if array.dtype.kind in "iu" and array.size:
        ends = (int(array.min()), int(array.max()))
        if max(map(abs, ends)) > LARGEST_INTEGER:
            raise SignatureError(
                f'The column "{series.name}" holds arrays with integers beyond 2**53, which '
                "computing would round: turn them into floats."
            )
    return array.astype(name if name in ARRAY_DTYPES else "float64", copy=False)


def _by(array: np.ndarray) -> str:
    return " x ".join(map(str, array.shape))
