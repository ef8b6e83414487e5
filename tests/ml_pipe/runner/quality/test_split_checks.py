"""Warnings about rows."""

import numpy as np
import pandas as pd
import pytest

from ml_pipe.runner.errors import AcceptanceError
from ml_pipe.runner.quality.acceptance import check_strict
from ml_pipe.runner.quality.split_checks import (
    check_splits,
    copies_across,
    far_above_test,
    rare_labels,
    sorted_in_time,
)


def parts(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return three splits, in order."""
    return {"train": table[:60], "test": table[60:80], "validation": table[80:100]}


def test_rows_in_several_splits_are_counted() -> None:
    """As in a table that was joined with itself."""
    x = np.arange(50.0)
    doubled = pd.DataFrame({"x": np.concatenate([x, x]), "y": ["a", "b"] * 50})
    (warning,) = copies_across(parts(doubled))
    assert warning.startswith("40 of 40 rows of test and validation repeat a row")
    assert copies_across(parts(pd.DataFrame({"x": np.arange(100.0)}))) == []


@pytest.mark.parametrize("order", [1, -1])
def test_rows_that_follow_each_other_in_time(order: int) -> None:
    """By a date, or by a year; not where the split is by time already."""
    days = pd.date_range("2024-01-01", periods=100)[::order]
    table = pd.DataFrame({"x": np.arange(100), "day": days})
    (warning,) = sorted_in_time(table, "random")
    assert warning.endswith("-p split=time:day.")
    assert sorted_in_time(table, "time:day") == []
    assert sorted_in_time(table.sample(frac=1, random_state=0), "random") == []
    years = pd.DataFrame({"Year": np.arange(1900, 2000)})
    assert sorted_in_time(years, "random")[0].endswith("-p split=time:Year.")


def test_rare_labels_and_the_score_that_hides_them() -> None:
    """Another score does not."""
    truth = pd.Series(["no"] * 190 + ["yes"] * 6 + ["perhaps"] * 4)
    few, hidden = rare_labels(truth, "accuracy")
    assert few.startswith("Labels with fewer than 10 training rows: yes (6), perhaps (4).")
    assert hidden.startswith("95% of the rows are no, so that accuracy says little")
    assert len(rare_labels(truth, "balanced_accuracy")) == 1
    assert rare_labels(pd.Series(["a", "b"] * 20), "accuracy") == []


def test_a_model_that_learnt_rows_by_heart() -> None:
    """More than half of what it knows is gone on the test rows."""
    assert far_above_test({"train": 1.0, "test": 0.6}, 0.5, 0.05)
    assert far_above_test({"train": 1.0, "test": 0.9}, 0.5, 0.01) == []
    assert far_above_test({"train": 1.0, "test": 0.6}, 0.5, 0.2) == []
    assert far_above_test({"train": 1.0, "test": 0.6}, None, None) == []


def test_a_label_that_only_the_test_has() -> None:
    """As after a split by time."""
    table = pd.DataFrame({"x": np.arange(100.0), "y": ["a"] * 50 + ["b"] * 20 + ["c"] * 30})
    warnings = check_splits(table, parts(table), "classification", "y", "time:x")
    assert [warning.split(":")[0] for warning in warnings] == [
        "The validation rows have labels that no training row has",
        "The test rows have labels that no training row has",
    ][::-1]


def test_a_strict_run_refuses_what_others_warn_of() -> None:
    """With all of it in one sentence."""
    check_strict(["One."], strict=False)
    check_strict([], strict=True)
    with pytest.raises(AcceptanceError, match=r"2 checks warn: One\. Two\."):
        check_strict(["One.", "Two."], strict=True)
