"""Splitting, scoring and acceptance."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from ml_pipe.runner.errors import AcceptanceError, TableError
from ml_pipe.train_test_validate import Limits, accept, score, split_rows


def labelled(rows: int) -> pd.DataFrame:
    """Half `a`, half `b`."""
    return pd.DataFrame({"x": np.arange(float(rows)), "y": ["a", "b"] * (rows // 2)})


def test_every_row_is_in_one_split() -> None:
    """With the shares asked for, and the labels in equal parts."""
    splits = split_rows(labelled(100), "y", "classification", (0.2, 0.1), seed=0)
    assert {name: len(rows) for name, rows in splits.items()} == {
        "train": 70,
        "test": 20,
        "validation": 10,
    }
    assert sorted(pd.concat(splits.values())["x"]) == list(range(100))
    assert all((rows["y"] == "a").mean() == 0.5 for rows in splits.values())


def test_the_seed_decides_the_split() -> None:
    """The same one, the same rows."""
    drawn = [
        split_rows(labelled(50), "y", "classification", (0.2, 0.2), s)["test"] for s in (1, 1, 2)
    ]
    assert drawn[0].equals(drawn[1])
    assert not drawn[0].equals(drawn[2])


def test_rare_labels_are_all_trained_on() -> None:
    """A label that training does not see can never be answered."""
    table = pd.concat([labelled(40), pd.DataFrame({"x": [1.0], "y": ["c"]})], ignore_index=True)
    splits = split_rows(table, "y", "classification", (0.2, 0.2), seed=0)
    assert "c" in set(splits["train"]["y"])
    only_rare = pd.DataFrame({"x": range(20), "y": [f"l{i // 4}" for i in range(20)]})
    with pytest.raises(TableError, match="cannot be split"):
        split_rows(only_rare, "y", "classification", (0.2, 0.2), seed=0)


@pytest.mark.parametrize("shares", [(0.0, 0.2), (0.5, 0.5), (0.9, 0.3)])
def test_shares_that_leave_a_split_empty_are_reported(shares: tuple[float, float]) -> None:
    """Whichever split it is."""
    with pytest.raises(TableError, match="cannot be split with shares"):
        split_rows(labelled(40), "y", "classification", shares, seed=0)


def test_scores_of_a_classification_and_of_a_regression() -> None:
    """Of models whose answers anybody can compute."""
    table = labelled(10)
    always_a = DummyClassifier(strategy="constant", constant="a").fit(table[["x"]], table["y"])
    found = score(always_a, table[["x"]], table["y"], "classification")
    assert found["accuracy"] == 0.5
    assert found["f1_macro"] == pytest.approx(1 / 3)
    four = DummyRegressor(strategy="constant", constant=4.0).fit([[0]], [0])
    truth = pd.Series([4.0, 4.0, 4.0, 8.0])
    assert score(four, pd.DataFrame({"x": range(4)}), truth, "regression") == {
        "r2": pytest.approx(-1 / 3),
        "mean_absolute_error": 1.0,
        "root_mean_squared_error": 2.0,
    }


SCORES = {"train": 1.0, "test": 0.8, "validation": 0.9}


@pytest.mark.parametrize(
    "limits",
    [
        Limits(),
        Limits(lowest_score=0.8, highest_score=0.9, largest_gap=0.2, largest_bias=0.1),
    ],
)
def test_a_model_within_its_limits_passes(limits: Limits) -> None:
    """On the limit is within; a score of training may be as high as it likes."""
    accept(SCORES, 0.1, limits)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(lowest_score=0.85), "test 0.8 is 0.05 below lowest_score=0.85"),
        (Limits(highest_score=0.85), "validation 0.9 is 0.05 above highest_score=0.85"),
        (Limits(largest_gap=0.1), "gap between splits 0.2 is 0.1 above largest_gap=0.1"),
        (Limits(largest_bias=0.05), "bias between groups 0.1 is 0.05 above largest_bias=0.05"),
    ],
)
def test_a_model_beyond_a_limit_is_reported_by_how_much(limits: Limits, sentence: str) -> None:
    """The limits that it keeps are not named."""
    with pytest.raises(AcceptanceError, match=sentence) as caught:
        accept(SCORES, 0.1, limits)
    assert ";" not in str(caught.value)
