"""Rows that stand in a table several times: a model that has seen one need not understand it."""

import numpy as np
import pandas as pd

from model_store.schema.arrays.array_cells import comparable

_FEWEST_DISTINCT = 0.1
"""Below this share of distinct rows, alike rows are the rule: a table of a few categories."""


def row_marks(table: pd.DataFrame) -> np.ndarray:
    """Return a number for each row, `(rows,)`: the same one for rows whose values are the same."""
    marks: np.ndarray = pd.util.hash_pandas_object(_plain(table), index=False).to_numpy()
    return marks


def seen_before(learnt: pd.DataFrame, others: list[pd.DataFrame]) -> list[np.ndarray]:
    """Return which rows repeat one that stands above them: among the learnt ones, or the others.

    In a table of a few categories, where alike rows are the rule, no row counts as repeated.

    Args:
        learnt: `(rows, columns)`.
        others: further rows, each with the same columns.

    Returns:
        A mask `(rows,)` for each of the others.
    """
    marks = [row_marks(table) for table in (learnt, *others)]
    every = pd.Series(np.concatenate(marks))
    is_repeated = every.duplicated().to_numpy()
    if len(every) * (1 - _FEWEST_DISTINCT) < is_repeated.sum():
        is_repeated = np.zeros(len(every), dtype=bool)
    ends = np.cumsum([len(each) for each in marks])
    return np.split(is_repeated, ends[:-1])[1:]


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose values can be compared whatever types its columns have."""
    table = comparable(table)
    categories = {
        name: table[name].astype(object)
        for name in table.columns
        if isinstance(table[name].dtype, pd.CategoricalDtype)
    }
    return table.assign(**categories) if categories else table
