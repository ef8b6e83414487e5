"""The p-values equal SciPy's."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special, stats

from monitoring.windows.drift_tests import (
    chi_squared,
    chi_squared_survival,
    holm,
    kolmogorov_smirnov,
    kolmogorov_survival,
    pool_rare,
    share_test,
)


# Beyond 18 the probability is less than the least normal float64.
@given(st.floats(0, 18))
def test_the_kolmogorov_distribution_is_scipys(x: float) -> None:
    """Over all of its range, on both sides of where one series takes over from the other."""
    assert kolmogorov_survival(x) == pytest.approx(special.kolmogorov(x), rel=1e-9, abs=0)


@given(st.floats(0, 1200), st.integers(1, 250))
def test_the_chi_squared_distribution_is_scipys(x: float, degrees: int) -> None:
    """That holds for odd and even degrees of freedom."""
    expected = float(stats.chi2.sf(x, degrees))
    assume(expected > 1e-300)
    assert chi_squared_survival(x, degrees) == pytest.approx(expected, rel=1e-9, abs=0)


COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12)


@given(COUNTS)
def test_kolmogorov_smirnov_finds_the_greatest_distance(counts: list[tuple[int, int]]) -> None:
    """SciPy's statistic of values that stand for their bins."""
    window, reference = np.array(counts).T
    assume(window.any() and reference.any())
    values = np.arange(len(counts))
    distance = stats.ks_2samp(
        np.repeat(values, window), np.repeat(values, reference), method="asymp"
    ).statistic
    n, m = window.sum(), reference.sum()
    expected = special.kolmogorov(distance * np.sqrt(n * m / (n + m)))
    assert kolmogorov_smirnov(window, reference) == pytest.approx(expected, rel=1e-6)


def test_bins_make_kolmogorov_smirnov_err_towards_silence() -> None:
    """A difference within a bin is not seen, so that the p-value is never less than of the rows."""
    random = np.random.default_rng(0)
    for _ in range(20):
        window, reference = random.normal(0.2, 1, 200), random.normal(0, 1, 300)
        edges = [-np.inf, -1, 0, 1, np.inf]
        counted = [np.histogram(values, edges)[0] for values in (window, reference)]
        distance = stats.ks_2samp(window, reference, method="asymp").statistic
        of_rows = special.kolmogorov(distance * np.sqrt(200 * 300 / 500))
        assert kolmogorov_smirnov(*counted) >= of_rows * (1 - 1e-9)


@given(COUNTS)
def test_chi_squared_is_scipys_where_rows_are_enough(counts: list[tuple[int, int]]) -> None:
    """Without the correction for continuity, which SciPy makes for two categories."""
    cells = np.array(counts).T
    assume(cells.any(axis=1).all())
    totals = cells.sum(axis=0)
    assume((totals * cells.sum(axis=1).min() / cells.sum() >= 5).all())
    expected = stats.chi2_contingency(cells, correction=False).pvalue
    assume(expected > 1e-300)
    assert chi_squared(*cells) == pytest.approx(expected, rel=1e-6)


def test_rare_categories_are_taken_together() -> None:
    """Fifty categories of one row each are significant together, but not alone."""
    common, rare = np.array([500, *[0] * 50]), np.array([450, *[1] * 50])
    expected = stats.chi2_contingency([[500, 0], [450, 50]], correction=False).pvalue
    assert chi_squared(common, rare) == pytest.approx(expected, rel=1e-9)
    # Together still too rare, they join the rarest of the others.
    few = chi_squared(np.array([40, 60, 2]), np.array([60, 40, 1]))
    joined = stats.chi2_contingency([[42, 60], [61, 40]], correction=False).pvalue
    assert few == pytest.approx(joined, rel=1e-9)


def test_categories_counted_together_join_the_rare_ones() -> None:
    """Unseen categories are usually rare; if they are frequent, they have a cell of their own."""
    window, reference = np.array([90, 98, 2]), np.array([100, 96, 4])
    joined = stats.chi2_contingency([[12, 90, 98], [4, 100, 96]], correction=False).pvalue
    assert chi_squared(window, reference, together=(10, 0)) == pytest.approx(joined, rel=1e-9)
    alone = stats.chi2_contingency([[50, 90, 98], [0, 100, 96]], correction=False).pvalue
    assert chi_squared(window[:2], reference[:2], together=(50, 0)) == pytest.approx(
        alone, rel=1e-9
    )
    assert chi_squared(np.array([0]), np.array([100]), together=(100, 0)) < 1e-9


def test_more_rows_than_the_test_needs_may_be_asked_of_a_cell() -> None:
    """It holds for both samples; smaller cells are merged with those counted together."""
    window, reference = np.array([40, 60, 100]), np.array([60, 40, 100])
    cells = pool_rare(window, reference, together=(7, 8), fewest=101)
    assert cells.tolist() == [[107, 100], [108, 100]]
    assert pool_rare(window, reference, together=(7, 8), fewest=100).shape == (2, 4)


def test_one_category_cannot_differ() -> None:
    """Samples that are too small for two cannot differ either."""
    assert chi_squared(np.array([10, 0]), np.array([20, 0])) == 1
    assert chi_squared(np.array([1, 2]), np.array([2, 1])) == 1


@given(st.integers(1, 2000), st.integers(1, 2000), st.data())
def test_values_that_the_reference_lacks_are_tested_exactly(
    rows: int, reference_rows: int, data: st.DataObject
) -> None:
    """Fisher's test is used, as in SciPy's hypergeometric distribution."""
    count = data.draw(st.integers(0, rows))
    total = rows + reference_rows
    expected = float(stats.hypergeom.sf(count - 1, total, count, rows))
    assume(expected > 1e-300)
    assert share_test(count, rows, 0, reference_rows) == pytest.approx(expected, rel=1e-7)


def test_a_share_that_the_reference_has_is_tested_by_chi_squared() -> None:
    """Ten in a hundred against thirty."""
    expected = stats.chi2_contingency([[10, 90], [30, 70]], correction=False).pvalue
    assert share_test(10, 100, 30, 100) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_corrects_each_by_its_rank(p_values: list[float]) -> None:
    """The least by their number, the greatest by one, none below a lesser one or above 1."""
    corrected = holm(p_values)
    ordered = sorted(p_values)
    steps = [p * (len(ordered) - rank) for rank, p in enumerate(ordered)]
    expected = [min(1.0, max(steps[: rank + 1])) for rank in range(len(steps))]
    assert sorted(corrected) == pytest.approx(expected)
    assert [c for _, c in sorted(zip(p_values, corrected, strict=True))] == sorted(corrected)


def test_holm_is_as_in_the_books() -> None:
    """Three of four are below 0.05; after correction one is."""
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
