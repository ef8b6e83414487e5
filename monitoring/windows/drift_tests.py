"""How likely chance alone makes a difference: p-values of tests between two samples.

SciPy has them all; a service that only serves has no SciPy, which would add 100 MB to it.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_Counts = npt.NDArray[np.int64 | np.float64]

FEWEST_EXPECTED = 5.0
"""The chi-squared approximation holds from about so many expected rows a cell on."""


def kolmogorov_survival(x: float) -> float:
    """Return the probability that a Kolmogorov variable is above `x`."""
    if x < 0.04:  # noqa: PLR2004 - here it differs from 1 by less than a float64 can show
        return 1.0
    # Two series of the same function; each needs but a few terms where it is used.
    if x < 1:
        odd = np.arange(1, 20, 2)
        exponents = -(odd**2) * math.pi**2 / (8 * x * x)
        return 1.0 - math.sqrt(2 * math.pi) / x * float(np.exp(exponents).sum())
    k = np.arange(1, 11)
    terms = (-1.0) ** (k - 1) * np.exp(-2.0 * (k * x) ** 2)
    return 2.0 * float(terms.sum())


def chi_squared_survival(x: float, degrees: int) -> float:
    """Return the probability that a chi-squared variable is above `x`.

    Args:
        x: at least 0.
        degrees: degrees of freedom, at least 1.
    """
    half = x / 2
    if half <= 0:
        return 1.0
    # Whole degrees make the incomplete gamma function a sum of positive terms, exact but for
    # rounding: of x^k / k! for even degrees, the same from one half on for odd ones.
    first = degrees % 2 / 2
    powers = np.arange(first, degrees / 2)
    logs = [-half + power * math.log(half) - math.lgamma(power + 1) for power in powers]
    total = float(np.exp(logs).sum())
    return min(1.0, total + math.erfc(math.sqrt(half)) if first else total)


def kolmogorov_smirnov(window: _Counts, reference: _Counts) -> float:
    """Return the p-value of the two-sample test, asymptotic, on counts in the same ordered bins.

    The distributions are compared at the edges of the bins alone. The greatest distance may lie
    within a bin, so the one found is never greater and the p-value never less than from the rows
    themselves: the test errs towards silence. Values that occur often do the same. Each sample
    has at least one row.
    """
    rows, reference_rows = int(window.sum()), int(reference.sum())
    distance = np.abs(window.cumsum() / rows - reference.cumsum() / reference_rows).max()
    effective = rows * reference_rows / (rows + reference_rows)
    return kolmogorov_survival(math.sqrt(effective) * float(distance))


def chi_squared(
    window: _Counts,
    reference: _Counts,
    *,
    together: Sequence[int] = (0, 0),
    fewest: float = 0.0,
) -> float:
    """Return the p-value of the two-sample chi-squared test on counts of the same categories.

    The arguments are those of `pool_rare`; each sample has at least one row.
    """
    cells = pool_rare(window, reference, together=together, fewest=fewest)
    if cells.shape[1] < 2:  # noqa: PLR2004 - one category is all there is: nothing can differ
        return 1.0
    rows, reference_rows = cells.sum(axis=1).tolist()
    totals = cells.sum(axis=0)
    difference = cells[0] * math.sqrt(reference_rows / rows) - cells[1] * math.sqrt(
        rows / reference_rows
    )
    return chi_squared_survival(float((difference**2 / totals).sum()), cells.shape[1] - 1)


def pool_rare(
    window: _Counts,
    reference: _Counts,
    *,
    together: Sequence[int] = (0, 0),
    fewest: float = 0.0,
) -> _Counts:
    """Return counts, `(2, cells)`, with the categories that are too rare taken together.

    They are followed by the rarest of the others where even together they are too rare.

    Args:
        window: its rows by category.
        reference: likewise.
        together: the rows of both in categories that are not distinguished, and so join the rare.
        fewest: of so many rows of both samples a category is not rare, or of more where the
            test needs them.
    """
    cells = np.stack([window, reference])
    rank = cells.sum(axis=0)
    if any(together):
        cells = np.concatenate([np.array([together], cells.dtype).T, cells], axis=1)
        rank = np.concatenate([[0], rank])
    rows, reference_rows = cells.sum(axis=1).tolist()
    needed = FEWEST_EXPECTED * (rows + reference_rows) / min(rows, reference_rows)
    order = np.argsort(rank, kind="stable")
    cells, rank = cells[:, order], rank[order]
    rare = int(np.searchsorted(rank, max(needed, fewest)))
    if not rare:
        return cells
    pooled = max(rare, int(np.searchsorted(cells.sum(axis=0).cumsum(), needed)) + 1)
    pool = cells[:, :pooled].sum(axis=1, keepdims=True)
    return np.concatenate([pool, cells[:, pooled:]], axis=1)


def share_test(count: int, rows: int, reference_count: float, reference_rows: float) -> float:
    """Return the p-value of a share, `count` of `rows`, against that of the reference.

    An estimate for the reference may be worth a broken number of rows.

    A reference that has none at all is the usual case, and the one in which chi-squared fails, as
    next to none is expected: it has Fisher's exact test, the chance that all `count` of both
    samples fell into the window.
    """
    if reference_count:
        return chi_squared(
            np.array([count, rows - count]),
            np.array([reference_count, reference_rows - reference_count]),
        )
    total = rows + reference_rows
    return math.exp(_log_ways(rows, count) - _log_ways(total, count))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for their number, after Holm, in the order given.

    Whatever depends on what, the chance of one false alarm or more among those called at alpha
    is at most alpha.
    """
    corrected = [0.0] * len(p_values)
    least = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, p_values[place] * (len(p_values) - rank)))
        corrected[place] = least
    return corrected


def _log_ways(total: float, chosen: int) -> float:
    """Return the logarithm of the binomial coefficient."""
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
