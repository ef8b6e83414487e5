"""Warnings about columns: each says what to do, and ordinary tables have none."""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from ml_pipe.runner.quality.column_checks import (
    constant_columns,
    known_afterwards,
    later_dates,
    numbered_rows,
)
from ml_pipe.runner.quality.leaks import leaking_columns
from model_store.manifest import Task

RNG = np.random.default_rng(0)


def test_a_constant_is_named() -> None:
    """One that is missing everywhere too."""
    table = pd.DataFrame({"x": [1, 2], "one": [1, 1], "none": [np.nan, np.nan]})
    (warning,) = constant_columns(table)
    assert warning.startswith('The columns "one", "none" have the same value')
    assert warning.endswith("-p leave_out=one,none.")
    assert constant_columns(table[["x"]]) == []


def test_the_number_of_a_row_is_named() -> None:
    """In any order, with gaps between, as a float; amounts that differ are not."""
    rows = np.arange(100)
    table = pd.DataFrame(
        {
            "PassengerId": RNG.permutation(rows) + 1,
            "customer_id": RNG.permutation(rows) * 97.0 + 10_000,
            "amount": RNG.permutation(rows) * 97 + 10_000,
            "age": rows // 2,
            "x": rows / 3,
        }
    )
    warnings = numbered_rows(table)
    assert [warning.split('"')[1] for warning in warnings] == ["PassengerId", "customer_id"]


@pytest.mark.parametrize(
    ("name", "target", "is_named"),
    [
        ("loan_status_final", "loan_status", True),
        ("finalGrade", "passed", True),
        ("outcome", "y", True),
        ("closed_at", "is_fraud", True),
        ("price_per_m2", "price", True),
        ("finally", "y", True),
        ("finance", "y", False),
        ("class_size", "classroom", False),
        ("afternoon", "y", False),
    ],
)
def test_a_name_that_says_afterwards(name: str, target: str, is_named: bool) -> None:  # noqa: FBT001
    """Or that is the target's with something added."""
    assert bool(known_afterwards([name, "size"], target)) == is_named


def test_dates_that_lie_after_others() -> None:
    """Which of two, is said."""
    opened = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 300, 80), "D"))
    other = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 300, 80), "D"))
    table = pd.DataFrame({"end": opened + pd.Timedelta(days=3), "start": opened, "other": other})
    (warning,) = later_dates(table)
    assert warning.startswith('The dates of "end" lie after those of "start"')


def test_a_column_that_holds_the_answer_is_named() -> None:
    """As a number, a category, or a gap where the answer is no."""
    truth = pd.Series(RNG.choice(["yes", "no"], 200), name="paid")
    table = pd.DataFrame(
        {
            "code": np.where(truth == "yes", 1, 0),
            "word": pd.Categorical(np.where(truth == "yes", "ja", "nein")),
            "when": pd.Series(pd.Timestamp("2024-01-01"), index=range(200)).where(truth == "yes"),
            "noise": RNG.normal(size=200),
            "text": [f"text {number}" for number in range(200)],
        }
    )
    named = [
        warning.split('"')[1] for warning in leaking_columns(table, truth, "classification", 0)
    ]
    assert named == ["code", "word", "when"]
    amounts = pd.Series(RNG.normal(size=400), name="price")
    copies = pd.DataFrame({"euros": amounts * 1.19, "noise": RNG.normal(size=400)})
    (warning,) = leaking_columns(copies, amounts, "regression", 0)
    assert warning.startswith('The column "euros" alone predicts price (R2 0.9')


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_real_tables_have_no_such_columns(name: str) -> None:
    """A petal's length nearly names the flower, and is no leak."""
    table, truth = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
    task: Task = "regression" if name == "diabetes" else "classification"
    assert leaking_columns(table, truth, task, 0) == []
    assert known_afterwards(list(table), "target") == []
    assert numbered_rows(table) == []
    assert constant_columns(table) == []
