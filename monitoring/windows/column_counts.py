"""The counts of a window, in the bins of its reference; all statistics are made from them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring.windows.columns import Numbers, WindowColumn
from monitoring.windows.reference import CATEGORICAL
from monitoring.windows.window import Window


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """What a window holds of one column, without the values that the log holds as hashes."""

    column: WindowColumn
    rows: int
    """Missing ones included; none of a column that is withheld: of which all values are hashes."""
    missing: int
    counts: npt.NDArray[np.int64]
    """Of the values that are not missing, as in the column's `Reference.counts`."""
    ordered: Numbers
    """The values that are not missing, ascending; none of a category or boolean."""

    @property
    def present(self) -> int:
        """How many values are not missing."""
        return self.rows - self.missing


def count_columns(window: Window) -> list[ColumnCounts]:
    """Return the counts of each column, in the window's order."""
    return [_counts(column, window.values(place)) for place, column in enumerate(window.columns)]


def _counts(column: WindowColumn, values: Numbers) -> ColumnCounts:
    reference = column.reference
    clear = values[np.isfinite(values)]
    present = len(clear)
    missing = int(np.isnan(values).sum())
    if hidden := len(values) - present - missing:
        # Missing values are never hashes; count those that belong to the values in clear.
        missing = round(missing * present / (present + hidden))
    rows = present + missing
    if column.kind in CATEGORICAL:
        counts = np.bincount(clear.astype(np.int64), minlength=len(reference.counts))
        return ColumnCounts(column, rows, missing, counts, np.empty(0))
    # Sorted, as quartiles need it. Bins are then found by their edges.
    ordered = np.sort(clear)
    edges = reference.edges
    below = ordered.searchsorted(edges[:1], "left")
    until = ordered.searchsorted(edges[1:], "right")
    counts = np.diff(np.concatenate([[0], below, until, [present]]))
    if not len(edges):
        # Training had no values, so all are outside of its range.
        counts = np.array([0, present])
    return ColumnCounts(column, rows, missing, counts, ordered)
