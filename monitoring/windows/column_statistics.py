"""The statistics of a window, column by column.

Quantiles are values that were sent; the minimum and the maximum are those of single rows. A column
whose single values must not be published is left out of the window.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from monitoring.log.database.views import Side
from monitoring.windows.column_counts import ColumnCounts
from monitoring.windows.reference import CATEGORICAL

FEWEST_ROWS = 20
"""Below this many rows no statistics are published, for privacy."""

MOST_CATEGORIES = 20
"""Maximum number of categories with a share of their own, the most frequent of training."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values that were not missing; dates in seconds since 1970, texts by their length."""

    mean: float
    standard_deviation: float
    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """One column of a window. Shares are from 0 to 1; those of values are of the present ones."""

    name: str
    side: Side
    count: int
    """Rows, missing ones included."""
    missing: float
    distribution: Distribution | None = None
    """None of categories and booleans, and where too few values are present."""
    out_of_range: float | None = None
    """Below the least or above the greatest value that training saw; None as above, and where
    that is not known."""
    categories: dict[str, float] | None = None
    """By the reference's own names, never by a value that was sent; None where there are none."""
    other: float | None = None
    """The share of the reference's rarer categories together."""
    unseen: float | None = None
    """The share of values that are not among the reference's."""
    reference_missing: float | None = None
    """The share of missing values in the reference; None where it has no rows."""


def column_statistics(
    counted: Iterable[ColumnCounts],
    *,
    fewest_rows: int = FEWEST_ROWS,
    most_categories: int = MOST_CATEGORIES,
) -> list[ColumnStatistics]:
    """Return the statistics of each column that has at least `fewest_rows` rows."""
    return [
        _statistics(counts, fewest_rows, most_categories)
        for counts in counted
        if counts.rows >= max(fewest_rows, 1)
    ]


def _statistics(counted: ColumnCounts, fewest: int, most: int) -> ColumnStatistics:
    column, rows, present = counted.column, counted.rows, counted.present
    reference = column.reference
    found = ColumnStatistics(
        column.name,
        column.side,
        rows,
        counted.missing / rows,
        reference_missing=reference.missing / reference.rows if reference.rows else None,
    )
    if present < max(fewest, 1):
        return found
    shares = (counted.counts / present).tolist()
    # A column that training saw no value of has no range and no categories to be outside of.
    is_known = bool(reference.counts.any())
    if column.kind not in CATEGORICAL:
        outside = shares[0] + shares[-1] if is_known else None
        if not np.isnan(column.ends).any():
            outside = _outside(counted)
        return replace(found, distribution=_distribution(counted), out_of_range=outside)
    if not is_known:
        return found
    *named, _, unseen = shares
    return replace(
        found,
        categories=dict(zip(reference.categories[:most], named, strict=False)),
        other=sum(shares[min(most, len(named)) : -1]),
        unseen=unseen,
    )


def _outside(counted: ColumnCounts) -> float:
    """Return the share of values beyond the ends of the column."""
    least, greatest = counted.column.ends
    below = int(counted.ordered.searchsorted(least, "left"))
    until = int(counted.ordered.searchsorted(greatest, "right"))
    return (below + counted.present - until) / counted.present


def _distribution(counted: ColumnCounts) -> Distribution:
    ordered = counted.ordered
    # Values that occur, as the quantiles of the reference are.
    ranks = np.ceil(np.array([0.25, 0.5, 0.75]) * len(ordered)).astype(np.int64) - 1
    lower, median, upper = ordered[ranks].tolist()
    # The sum or the squares of values near the largest float overflow: published as infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(ordered.mean()), float(ordered.std())
    return Distribution(
        mean=mean,
        standard_deviation=deviation,
        minimum=float(ordered[0]),
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        maximum=float(ordered[-1]),
    )
