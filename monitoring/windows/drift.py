"""How much a window differs from its reference: an effect size and a test for every column.

A test alone calls every difference drift once there are rows enough; an effect size alone calls
chance drift while there are few. A column is drifted where both agree.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from monitoring.log.database.views import Side
from monitoring.windows.column_counts import ColumnCounts
from monitoring.windows.drift_tests import (
    chi_squared,
    holm,
    kolmogorov_smirnov,
    pool_rare,
    share_test,
)
from monitoring.windows.reference import CATEGORICAL, Reference

# Added to each bin: an empty one would make the index infinite.
_PRIOR = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The thresholds of drift."""

    psi: float = 0.1
    """The minimum population stability index of a drifted column; half a standard deviation of a
    normal column has about 0.25."""
    alpha: float = 0.05
    """Maximum probability of a false alarm over all columns of a side."""
    fewest_rows: int = 100
    """Below this many rows drift is not evaluated."""
    drifted_share: float = 0.3
    """The minimum share of drifted columns of a drifted dataset."""
    columns: Mapping[str, float] = field(default_factory=dict)
    """The `psi` of single columns, by name."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How one column differs from its reference."""

    name: str
    psi: float
    """Population stability index, without what chance alone adds to it; from 0 on."""
    jensen_shannon: float
    """Jensen-Shannon distance, base 2, without what chance alone adds to it; from 0 to 1."""
    p_value: float
    """Corrected for the number of columns of its side."""
    drifted: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """How the inputs, or the outputs, of a window differ from their reference."""

    columns: tuple[ColumnDrift, ...]
    share: float
    """The share of drifted columns."""
    drifted: bool


_DEFAULT = Thresholds()


def measure_drift(
    counted: Iterable[ColumnCounts], thresholds: Thresholds = _DEFAULT
) -> dict[Side, Drift]:
    """Return the drift of each side; without one that has too few rows, or no reference."""
    comparable = [
        counts
        for counts in counted
        if counts.rows >= max(thresholds.fewest_rows, 1) and counts.column.reference.rows
    ]
    sides: tuple[Side, Side] = ("input", "output")
    found = {side: [c for c in comparable if c.column.side == side] for side in sides}
    return {side: _drift(columns, thresholds) for side, columns in found.items() if columns}


def _drift(counted: list[ColumnCounts], thresholds: Thresholds) -> Drift:
    columns = []
    p_values = holm([_p_value(counts) for counts in counted])
    for counts, p_value in zip(counted, p_values, strict=True):
        name = counts.column.name
        psi, jensen_shannon = _effects(counts)
        is_large = psi >= thresholds.columns.get(name, thresholds.psi)
        is_drifted = is_large and p_value < thresholds.alpha
        columns.append(ColumnDrift(name, psi, jensen_shannon, p_value, is_drifted))
    share = sum(column.drifted for column in columns) / len(columns)
    return Drift(tuple(columns), share, share >= thresholds.drifted_share)


def _effects(counted: ColumnCounts) -> tuple[float, float]:
    """Return population stability index and Jensen-Shannon distance, missing as a bin of its own.

    Two samples of one distribution differ too: with B bins their index is (B - 1)(1/n + 1/m) on
    average, 0.2 for 20 bins, a window of 1,000 rows and a reference of 100. That is taken off, and
    its counterpart, smaller by 8 ln 2, off the squared distance.
    """
    both = _cells(counted)
    both = both[:, both.any(axis=0)]
    bins = both.shape[1]
    chance = (bins - 1) * (1 / counted.rows + 1 / counted.column.reference.rows)
    both += _PRIOR
    both /= both.sum(axis=1, keepdims=True)
    logs = np.log(both)
    psi = float(((both[0] - both[1]) * (logs[0] - logs[1])).sum())
    middle = np.log(both.mean(axis=0))
    divergence = float((both * (logs - middle)).sum()) / (2 * math.log(2))
    distance = math.sqrt(max(0.0, divergence - chance / (8 * math.log(2))))
    return max(0.0, psi - chance), distance


def _cells(counted: ColumnCounts) -> npt.NDArray[np.float64]:
    """Return counts, `(2, cells)`, of window and reference: bins or categories, and missing."""
    reference = counted.column.reference
    both: npt.NDArray[np.int64 | np.float64] = np.stack([counted.counts, reference.counts])
    if counted.column.kind in CATEGORICAL:
        seen = both[:, :-1]
        if seen.any(axis=1).all():
            window, trained = both[:, :-2]
            seen = pool_rare(
                window, trained, together=seen[:, -1].tolist(), fewest=_fewest(counted)
            )
        # Unseen categories are an effect where there are more than the reference lets expect.
        unseen = counted.counts[-1]
        share = unseen / max(counted.present, 1)
        expected = min(_expected_unseen(reference), share * reference.counts.sum())
        both = np.concatenate([seen, [[unseen], [expected]]], axis=1)
    missing = np.array([[counted.missing], [reference.missing]], np.float64)
    return np.concatenate([both, missing], axis=1)


def _p_value(counted: ColumnCounts) -> float:
    """Return how likely chance makes what any of the column's tests sees, corrected for them."""
    reference = counted.column.reference
    present, reference_present = counted.present, int(reference.counts.sum())
    found = []
    if counted.missing or reference.missing:
        found.append(share_test(counted.missing, counted.rows, reference.missing, reference.rows))
    if present and reference_present:
        if counted.column.kind in CATEGORICAL:
            found += _category_tests(counted)
        else:
            found.append(kolmogorov_smirnov(counted.counts, reference.counts))
    return min(1.0, min(found, default=1.0) * len(found))


def _category_tests(counted: ColumnCounts) -> list[float]:
    """Return the p-values of the shares of categories, and of unseen ones if there are too many."""
    window, reference = counted.counts, counted.column.reference.counts
    *_, other, unseen = window.tolist()
    # What the reference missed is rare, as a rule: it joins what is.
    together = [other + unseen, int(reference[-2])]
    fewest = _fewest(counted)
    found = [chi_squared(window[:-2], reference[:-2], together=together, fewest=fewest)]
    once, rows = _expected_unseen(counted.column.reference), int(reference.sum())
    if unseen * rows > once * counted.present:
        # The expected number is less certain than a count of its size: its variance is that of
        # the categories of one row and of twice those of two. Fewer rows are as uncertain.
        twice = int((reference[:-2] == 2).sum())  # noqa: PLR2004
        certain = once / (once + 2 * twice) if once else 1.0
        found.append(share_test(unseen, counted.present, once * certain, rows * certain))
    return found


def _expected_unseen(reference: Reference) -> int:
    """Return how many rows in as many as the reference has are of categories that it has not.

    As many as it has categories of one row, after Good and Turing; those that it does not name
    may all be such.
    """
    named, other = reference.counts[:-2], reference.counts[-2]
    return int((named == 1).sum() + other)


def _fewest(counted: ColumnCounts) -> float:
    """Return how many rows of both samples a category has that is compared by itself.

    Names are given to the categories that are most frequent in the reference, if by chance alone:
    the others would be more frequent in every window. So all that might as well have got no name
    are compared with them together.
    """
    *named, other, _ = counted.column.reference.counts.tolist()
    if not (named and other):
        return 0.0
    least = min(named)
    ratio = counted.present / counted.column.reference.counts.sum()
    return float((least + 4 * math.sqrt(least)) * (1 + ratio))
