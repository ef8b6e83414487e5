"""Rows that are not like a table's: of its columns' values, without what holds these together."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from model_store.schema.arrays.array_cells import holds_arrays


def spread_rows(table: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Return made-up rows, `(rows, columns)`: each value as likely as any other of its column.

    Numbers and dates are drawn from their whole range, all else from the distinct values.
    """
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {name: _spread(table[name], rows, random) for name in table.columns}
    ).astype(dict(table.dtypes))


def shuffled_columns(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return a table whose columns are as before, each in an order of its own."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {name: table[name].take(random.permutation(len(table))).array for name in table.columns},
        index=table.index,
    )


def _spread(values: "pd.Series[Any]", rows: int, random: np.random.Generator) -> np.ndarray:
    present = values.dropna()
    if holds_arrays(present):
        return _spread_arrays(np.stack(list(present)), rows, random)
    if present.empty:
        return np.asarray(values.take(random.integers(len(values), size=rows)))
    if is_bool_dtype(present) or not (
        is_numeric_dtype(present) or is_datetime64_any_dtype(present)
    ):
        distinct = np.asarray(present.unique())
        return distinct[random.integers(len(distinct), size=rows)]
    if is_datetime64_any_dtype(present):
        ends = np.asarray(present).astype("datetime64[us]").astype(np.int64)
        drawn = random.integers(ends.min(), ends.max(), size=rows, endpoint=True)
        return np.asarray(drawn.astype("datetime64[us]"))
    numbers = np.asarray(present, dtype=np.float64)
    drawn_numbers = random.uniform(numbers.min(), numbers.max(), size=rows)
    is_whole = bool((numbers % 1 == 0).all())
    return drawn_numbers.round() if is_whole else drawn_numbers


def _spread_arrays(arrays: np.ndarray, rows: int, random: np.random.Generator) -> np.ndarray:
    """Return arrays of the same shape and type whose numbers are of the whole range, `(rows,)`."""
    size = (rows, *arrays.shape[1:])
    low, high = arrays.min(), arrays.max()
    drawn: np.ndarray = (
        random.uniform(low, high, size=size)
        if arrays.dtype.kind == "f"
        else random.integers(int(low), int(high), size=size, endpoint=True)
    )
    cells = np.empty(rows, dtype=object)
    cells[:] = list(drawn.astype(arrays.dtype))
    return cells
