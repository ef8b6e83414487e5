"""Columns: the one form that rows have between a request, a table and a model.

A column's array depends on its kind alone, in training as in serving:

| kind             | not nullable        | nullable                          |
| ---------------- | ------------------- | --------------------------------- |
| integer          | int64               | float64, NaN = missing            |
| number           | float64             | float64, NaN = missing            |
| boolean          | bool                | float64 0.0/1.0, NaN = missing    |
| string, category | object of str       | object of str, None = missing     |
| datetime         | datetime64[us], UTC | the same, NaT = missing           |
| array            | its own dtype       | float64, NaN throughout = missing |

All are `(rows,)`, but arrays, which are `(rows, *shape)`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from model_store.schema.arrays.array_cells import to_cells
from model_store.schema.arrays.array_values import missing_rows, write_array
from model_store.schema.signature import Column, Kind

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, np.ndarray]
"""One array a column, by name, each of shape `(rows,)`, or of arrays `(rows, *shape)`."""

_DTYPES = {
    Kind.INTEGER: ("int64", "float64"),
    Kind.NUMBER: ("float64", "float64"),
    Kind.BOOLEAN: ("bool", "float64"),
    Kind.STRING: ("object", "object"),
    Kind.CATEGORY: ("object", "object"),
    Kind.DATETIME: ("datetime64[us]", "datetime64[us]"),
}

_TO_JSON: dict[Kind, Callable[[Any], Any]] = {
    Kind.INTEGER: int,
    Kind.BOOLEAN: bool,
    Kind.DATETIME: lambda moment: f"{moment.isoformat()}Z",
}


def dtype_of(column: Column) -> np.dtype[Any]:
    """Return the dtype of a column's array."""
    if column.kind is Kind.ARRAY:
        return np.dtype("float64" if column.nullable else column.dtype)
    return np.dtype(_DTYPES[column.kind][column.nullable])


def to_frame(columns: Columns, signature_columns: Sequence[Column]) -> "pd.DataFrame":
    """Return columns as the table that an estimator takes, `(rows, len(signature_columns))`.

    Columns stand in the signature's order, and their dtypes are those of the arrays: pandas would
    turn objects into its own string dtype, which estimators were not trained on. A cell of an
    array column is an array of its shape, or None.
    """
    import pandas as pd  # noqa: PLC0415 - a service of compiled models does without pandas

    arrays = [columns[column.name] for column in signature_columns]
    names = tuple(column.name for column in signature_columns)
    if len({(array.dtype, array.ndim) for array in arrays}) == 1 and arrays[0].ndim == 1:
        # One block instead of one a column: seven times as fast to make.
        dtype = object if arrays[0].dtype == object else None
        block = np.column_stack(arrays)
        return pd.DataFrame(block, columns=_index(names), dtype=dtype, copy=False)
    cells = [
        array if column.kind is not Kind.ARRAY else to_cells(array, column.dtype)
        for array, column in zip(arrays, signature_columns, strict=True)
    ]
    series = [pd.Series(array, dtype=array.dtype) for array in cells]
    return pd.DataFrame(dict(zip(names, series, strict=True)))


@lru_cache(maxsize=64)
def _index(names: tuple[str, ...]) -> "pd.Index[str]":
    import pandas as pd  # noqa: PLC0415 - see `to_frame`

    # Kept, as to make one takes longer than to make the table.
    return pd.Index(names)


def to_rows(columns: Columns, signature_columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return columns as JSON-ready row objects: what a request would hold to give them."""
    names = [column.name for column in signature_columns]
    cells = [json_values(columns[c.name], c) for c in signature_columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]


def json_values(array: np.ndarray, column: Column) -> list[Any]:
    """Return one column's values as JSON knows them, `None` for a missing one."""
    if column.kind is Kind.ARRAY:
        missing = missing_rows(array)
        return [
            None if lost else write_array(cell.astype(column.dtype, copy=False))
            for cell, lost in zip(array, missing, strict=True)
        ]
    present = _TO_JSON.get(column.kind, lambda value: value)
    # A NaN is the one value that does not equal itself.
    return [
        None if value is None or value != value else present(value)  # noqa: PLR0124
        for value in array.tolist()
    ]
