"""A value that a column takes, made from its training range: never from a person's data."""

import math
from typing import Any

import numpy as np

from model_store.schema.arrays.array_values import write_array
from model_store.schema.moments import example_moment
from model_store.schema.signature import Column, Kind

_FEW_NUMBERS = 64
"""An array of at most so many is shown as lists, which a person can read."""


def example(column: Column) -> Any:  # noqa: PLR0911 - one for each kind
    """Return a JSON value that a request may hold in this column."""
    if column.kind is Kind.BOOLEAN:
        return True
    if column.kind is Kind.CATEGORY and column.categories:
        return column.categories[0]
    if column.kind in {Kind.STRING, Kind.CATEGORY}:
        return "text"
    if column.kind is Kind.DATETIME:
        return example_moment(column)
    low, high = float(column.minimum or 0), float(column.maximum or 0)
    middle = low / 2 + high / 2
    if column.kind is Kind.ARRAY:
        return _array(column, middle)
    if column.kind is Kind.INTEGER:
        return math.floor(middle)
    # As many digits as a person would write, and never outside the range.
    return min(max(float(f"{middle:.3g}"), low), high)


def _array(column: Column, number: float) -> Any:
    """Return an array of one number throughout."""
    value = number if np.dtype(column.dtype).kind == "f" else math.floor(number)
    array = np.full(column.shape, value).astype(column.dtype)
    return array.tolist() if array.size <= _FEW_NUMBERS else write_array(array)
