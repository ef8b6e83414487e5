"""Importance: on a budget, and by few calls."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from ml_pipe.runner.quality.importance import importance_of
from ml_pipe.train_test_validate import score


def r2(model: Any, rows: pd.DataFrame, values: "pd.Series") -> dict[str, float]:
    """Return R2 first."""
    return score(model, rows, values, "regression")


class Calls:
    """A fitted estimator that counts its calls and the rows that it was given."""

    def __init__(self, estimator: Any) -> None:
        self.estimator, self.calls, self.rows = estimator, 0, 0

    def predict(self, inputs: pd.DataFrame) -> np.ndarray:
        self.calls += 1
        self.rows += len(inputs)
        return np.asarray(self.estimator.predict(inputs))


def world(columns: int, rows: int = 600) -> tuple[Calls, pd.DataFrame, "pd.Series"]:
    """Return a model of the first column alone."""
    inputs = pd.DataFrame(
        np.random.default_rng(0).normal(size=(rows, columns)),
        columns=[f"x{place}" for place in range(columns)],
    )
    truth = inputs["x0"] * 2
    return Calls(LinearRegression().fit(inputs, truth)), inputs, truth


def test_few_columns_are_shuffled_thrice_in_a_few_calls() -> None:
    """500 rows of them; and nothing is said of a budget."""
    model, inputs, truth = world(4)
    found = importance_of(model, inputs, truth, 0, r2)
    assert next(iter(found.falls)) == "x0"
    assert found.falls["x0"] > 1
    assert abs(found.falls["x1"]) < 1e-9
    assert (found.remark, model.calls, model.rows) == ("", 2, 500 * (1 + 3 * 4))


@pytest.mark.slow  # 500 columns are shuffled
def test_many_columns_are_shuffled_on_fewer_rows() -> None:
    """And the remark says how many."""
    model, inputs, truth = world(500)
    found = importance_of(model, inputs, truth, 0, r2)
    assert next(iter(found.falls)) == "x0"
    assert len(found.falls) == 500
    assert model.rows <= 500 * 121
    assert found.remark.startswith("The importance of the 500 columns is from 120 rows, shuffled 1")


def test_a_slow_estimator_is_asked_less() -> None:
    """By what a row took before."""
    model, inputs, truth = world(4)
    found = importance_of(model, inputs, truth, 0, r2, seconds_per_row=0.02)
    assert model.rows < 1000
    assert "more would take too long" in found.remark


def test_columns_of_every_type_are_shuffled() -> None:
    """Categories, gaps and dates stay what they are."""
    inputs = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3] * 20, dtype="Int64"),
            "letter": pd.Categorical(["a", "b", None] * 20),
            "day": pd.date_range("2024-01-01", periods=60).astype("datetime64[us]"),
        }
    )
    seen: list[pd.DataFrame] = []

    class Looking:
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            seen.append(rows)
            return np.zeros(len(rows))

    importance_of(Looking(), inputs, pd.Series(np.arange(60.0)), 0, r2)
    assert [list(rows.dtypes) for rows in seen] == [list(inputs.dtypes)] * 2
    assert seen[1]["whole"].isna().sum() == 20 * 9
