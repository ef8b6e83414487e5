"""A value that a column takes, made from its training range: never from a person's data."""

import math
from typing import Any

from model_store.schema.moments import example_moment
from model_store.schema.signature import Column, Kind


def example(column: Column) -> Any:
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
    if column.kind is Kind.INTEGER:
        return math.floor(middle)
    # As many digits as a person would write, and never outside the range.
    return min(max(float(f"{middle:.3g}"), low), high)
