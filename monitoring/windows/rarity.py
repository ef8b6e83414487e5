"""How rare the values of a single row are, by the reference."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from monitoring.windows.columns import WindowColumn
from monitoring.windows.reference import CATEGORICAL

# A bin that training left empty is rare, not impossible.
_PRIOR = 0.5


def rarity(columns: Sequence[WindowColumn], row: Mapping[str, Any]) -> float:
    """Return the surprise at a row in bits: of each input -log2 of the share of its bin, in all.

    Columns count as if each were independent of the others. A value that the log does not hold in
    clear counts for nothing.
    """
    return sum(
        _surprise(column, row[column.key]) for column in columns if _is_in_clear(column, row)
    )


def _is_in_clear(column: WindowColumn, row: Mapping[str, Any]) -> bool:
    return column.side == "input" and column.key in row and column.reference.rows > 0


def _surprise(column: WindowColumn, value: Any) -> float:
    reference = column.reference
    try:
        [number] = column.numbers([value])
    except ValueError:
        return 0.0
    if math.isinf(number):
        return 0.0
    if math.isnan(number):
        count = reference.missing
    elif column.kind in CATEGORICAL:
        count = reference.counts[int(number)]
    elif len(reference.edges):
        place = reference.edges.searchsorted(number, "left")
        # The least value is within its bin, as the greatest of each is within that.
        count = reference.counts[max(place, 1) if number == reference.edges[0] else place]
    else:
        count = 0
    bins = len(reference.counts) + 1
    return -math.log2((count + _PRIOR) / (reference.rows + _PRIOR * bins))
