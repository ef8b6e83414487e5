"""Metrics by name."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.answers import Answers, answers_of
from ml_pipe.runner.quality.metrics import (
    metric_first,
    metric_name,
    metric_value,
    positive_label,
)
from ml_pipe.train_test_validate import score
from model_store.manifest import Task

RNG = np.random.default_rng(0)
INPUTS = pd.DataFrame(RNG.normal(size=(200, 2)), columns=["x", "z"])
LABELS = pd.Series(
    np.where(INPUTS["x"] + RNG.normal(size=200) > 1.0, "fraud", "ok").astype(object), name="y"
)
AMOUNTS = pd.Series(5 + INPUTS["x"] * 2 + RNG.normal(size=200))


@pytest.mark.parametrize(
    ("name", "task", "full"),
    [
        ("roc_auc", "classification", "roc_auc"),
        ("log_loss", "classification", "neg_log_loss"),
        ("Balanced Accuracy", "classification", "balanced_accuracy"),
        ("MAE", "regression", "neg_mean_absolute_error"),
        ("mean_absolute_error", "regression", "neg_mean_absolute_error"),
        ("MAPE", "regression", "neg_mean_absolute_percentage_error"),
        ("WAPE", "regression", "neg_wape"),
        ("pinball:0.9", "regression", "neg_pinball:0.9"),
        ("r2", "regression", "r2"),
    ],
)
def test_a_metric_has_its_usual_names(name: str, task: Task, full: str) -> None:
    """An error counts negative, so that more is better."""
    assert metric_name(name, task) == full


@pytest.mark.parametrize(
    ("name", "task", "sentence"),
    [
        ("acuracy", "classification", 'no metric "acuracy"'),
        ("pinball:1.5", "regression", 'no metric "pinball:1.5"'),
        ("roc_auc", "regression", "is none for a regression: choose one such as r2, mae"),
        ("mae", "classification", "is none for a classification: choose one such as accuracy"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused(name: str, task: Task, sentence: str) -> None:
    """With those that do."""
    with pytest.raises(TableError, match=sentence):
        metric_name(name, task)


def test_values_are_those_of_scikit_learn() -> None:
    """Of labels of text: precision and the like are of the rarer one, whatever comes last."""
    model = LogisticRegression().fit(INPUTS, LABELS)
    answers = answers_of(model, INPUTS)
    truth = LABELS.to_numpy()
    positive = positive_label(np.asarray(answers.labels), truth)
    assert positive == "fraud"
    shares = np.asarray(answers.probabilities)
    expected = {
        "accuracy": metrics.accuracy_score(truth, answers.predicted),
        "f1": metrics.f1_score(truth, answers.predicted, pos_label="fraud"),
        "roc_auc": metrics.roc_auc_score(truth == "fraud", shares[:, 0]),
        "average_precision": metrics.average_precision_score(truth == "fraud", shares[:, 0]),
        "neg_log_loss": -metrics.log_loss(truth, shares, labels=model.classes_),
    }
    found = {name: metric_value(name, truth, answers, positive) for name in expected}
    assert found == pytest.approx(expected)


def test_values_of_amounts() -> None:
    """Those too that scikit-learn has no scorer for."""
    model = LinearRegression().fit(INPUTS, AMOUNTS)
    answers, truth = answers_of(model, INPUTS), AMOUNTS.to_numpy()
    error = np.abs(truth - answers.predicted)
    assert metric_value("neg_wape", truth, answers) == pytest.approx(
        -error.sum() / np.abs(truth).sum()
    )
    assert metric_value("neg_pinball:0.9", truth, answers) == pytest.approx(
        -metrics.mean_pinball_loss(truth, answers.predicted, alpha=0.9)
    )
    assert metric_value("neg_mean_absolute_error", truth, answers) == pytest.approx(-error.mean())
    with pytest.raises(TableError, match='The metric "wape" cannot be computed on these rows'):
        metric_value("neg_wape", np.zeros(2), Answers(np.ones(2)))


def test_a_label_that_training_has_not_seen_is_a_mistake() -> None:
    """And no error."""
    answers = Answers(np.array(["a", "b"], dtype=object), None, np.array(["a", "b"], dtype=object))
    truth = np.array(["a", "c"], dtype=object)
    assert metric_value("accuracy", truth, answers) == 0.5


@pytest.mark.parametrize(
    ("labels", "learnt", "positive"),
    [
        ([False, True], [True, True, False], True),
        ([0, 1], [1, 1, 0], 1),
        (["bad", "good"], ["bad", "good", "good"], "bad"),
        (["bad", "good"], ["bad", "bad", "good"], "good"),
    ],
)
def test_the_positive_label_is_true_or_the_rarer_one(
    labels: list[object], learnt: list[object], positive: object
) -> None:
    """As people mean it."""
    assert positive_label(np.array(labels), np.array(learnt)) == positive


def test_a_named_metric_comes_first() -> None:
    """Before those of the notebook; without a name these stay as they are."""
    model = LogisticRegression().fit(INPUTS, LABELS)
    scored = metric_first(score, "roc_auc", "classification", LABELS)
    found = scored(model, INPUTS, LABELS, "classification")
    assert list(found) == ["roc_auc", "accuracy", "f1_macro", "log_loss"]
    assert metric_first(score, "", "classification", LABELS) is score
