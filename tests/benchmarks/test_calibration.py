"""Drift is called where it is, and nowhere else: fewer windows than the benchmark draws."""

import pytest

from benchmarks.calibration import Problem, main, measure_quiet, measure_shifted, problems

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


def test_the_command_prints_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a source, one a shifted column."""
    main(["--windows", "1", "--rows", "200"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) == (2 + 4) + (2 + 13)
