"""Drift is called where it is, and nowhere else: fewer windows than the benchmark draws."""

import pytest

from benchmarks.calibration import (
    CATEGORIES,
    Problem,
    main,
    measure_categories,
    measure_quiet,
    measure_shifted,
    problems,
)

# Training the two models and drawing the windows.
pytestmark = pytest.mark.slow

ROWS = 1000


@pytest.fixture(scope="module")
def trained() -> list[Problem]:
    """Train both once."""
    return problems()


def test_windows_without_drift_raise_no_alarm(trained: list[Problem]) -> None:
    """Under one in a hundred calls the dataset, one in twenty a column, from either source."""
    for problem in trained:
        for quiet in measure_quiet(problem, 100, ROWS):
            assert quiet.dataset < 0.01, quiet
            assert quiet.any_column <= 0.05, quiet
            assert quiet.prediction <= 0.05, quiet


def test_half_a_standard_deviation_is_called_in_its_column_alone(trained: list[Problem]) -> None:
    """In over 95 % of windows, for every column of numbers that varies."""
    shifted = [found for problem in trained for found in measure_shifted(problem, 20, ROWS)]
    assert len(shifted) == 4 + 9
    for found in shifted:
        assert found.this_column > 0.95, found
        assert found.other_column == 0, found
        assert found.dataset == 0, found


@pytest.mark.parametrize(("count", "rows"), CATEGORIES[::2])
def test_many_categories_are_no_drift(count: int, rows: int) -> None:
    """The test alone is wrong in one of twenty windows; one category that grew is seen."""
    found = measure_categories(count, rows, 40, ROWS)
    assert found.quiet <= 0.125, found
    assert found.frequent > 0.5, found


def test_the_command_prints_all_tables_and_the_cost(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a source, a shifted column, a number of categories."""
    main(["--windows", "1", "--rows", "200"])
    printed = capsys.readouterr().out.splitlines()
    lines = [line for line in printed if line.startswith("|")]
    assert len(lines) == (2 + 4) + (2 + 13) + (2 + len(CATEGORIES))
    assert "update" in printed[-1]
