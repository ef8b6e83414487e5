"""Scores equal scikit-learn's and those that the notebooks publish."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.dummy import DummyClassifier, DummyRegressor

from ml_pipe.train_test_validate import score
from monitoring.feedback.scores import classification_scores, log_loss, regression_scores

labels = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1)
# In steps, as scikit-learn overflows where truths differ by next to nothing.
numbers = st.integers(-1_000_000, 1_000_000).map(lambda number: number / 8)


@given(labels)
def test_classification_scores_are_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    """That holds also if a label is never answered or never true."""
    truth, answers = (np.array(side) for side in zip(*pairs, strict=True))
    scores = classification_scores(truth, answers)
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(truth, answers))
    f1 = metrics.f1_score(truth, answers, average="macro", zero_division=0)
    assert scores["f1_macro"] == pytest.approx(f1)


@given(labels)
def test_macro_f1_of_given_classes_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    """Over those of them that occur; any other label is a wrong row and no class of its own."""
    truth, answers = (np.array(side) for side in zip(*pairs, strict=True))
    scores = classification_scores(truth, answers, {"a", "b", "never"})
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(truth, answers))
    occurring = sorted({*truth, *answers} & {"a", "b"})
    f1 = metrics.f1_score(truth, answers, labels=occurring, average="macro", zero_division=0)
    assert scores["f1_macro"] == pytest.approx(f1 if occurring else 0)


def test_one_misspelt_label_of_a_thousand_costs_next_to_nothing() -> None:
    """Without the classes it would be a class with an F1 of 0, as heavy as each of the others."""
    truth = np.array(["a", "b", "c"] * 333 + ["A"])
    answers = np.array(["a", "b", "c"] * 333 + ["a"])
    assert classification_scores(truth, answers)["f1_macro"] == pytest.approx(0.75, abs=0.001)
    assert classification_scores(truth, answers, "abc")["f1_macro"] > 0.999


@given(st.lists(st.tuples(st.sampled_from("abc"), *[st.floats(0, 1)] * 3), min_size=1))
def test_log_loss_is_scikit_learns(rows: list[tuple[str, float, float, float]]) -> None:
    """A probability of 0 for the true class costs much, but not infinity."""
    truth = np.array([row[0] for row in rows])
    shares = np.array([row[1:] for row in rows]) + 1e-300
    shares /= shares.sum(axis=1, keepdims=True)
    expected = metrics.log_loss(truth, shares, labels=list("abc"))
    assert log_loss(truth, ("a", "b", "c"), shares) == pytest.approx(expected)


def test_a_class_that_the_model_does_not_know_had_no_probability() -> None:
    """It costs what a probability of 0 costs."""
    shares = np.array([[0.5, 0.5]])
    assert log_loss(np.array(["z"]), ("a", "b"), shares) == pytest.approx(36.04, abs=0.01)


@given(st.lists(st.tuples(numbers, numbers), min_size=2))
def test_regression_scores_are_scikit_learns(pairs: list[tuple[float, float]]) -> None:
    """The bias is the mean of answer minus true value."""
    truth, answers = (np.array(side) for side in zip(*pairs, strict=True))
    scores = regression_scores(truth, answers)
    assert scores == pytest.approx(
        {
            "mean_absolute_error": metrics.mean_absolute_error(truth, answers),
            "root_mean_squared_error": metrics.root_mean_squared_error(truth, answers),
            "r2": metrics.r2_score(truth, answers),
            "bias": np.mean(answers) - np.mean(truth),
        },
        rel=1e-6,
        abs=1e-6,
    )


def test_one_row_has_no_r2() -> None:
    """One truth has no spread to be explained."""
    assert "r2" not in regression_scores(np.array([1.0]), np.array([2.0]))


def test_live_scores_have_the_names_of_the_notebooks() -> None:
    """So each can be compared with its counterpart from training."""
    inputs, truth = pd.DataFrame({"x": [0.0, 1.0]}), pd.Series(["a", "b"])
    trained = score(DummyClassifier().fit(inputs, truth), inputs, truth, "classification")
    live = classification_scores(truth.to_numpy(str), truth.to_numpy(str))
    assert {*live, "log_loss"} == set(trained)
    amounts = pd.Series([1.0, 2.0])
    trained = score(DummyRegressor().fit(inputs, amounts), inputs, amounts, "regression")
    live = regression_scores(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    assert set(live) == {*trained, "bias"}
