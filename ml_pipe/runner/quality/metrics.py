"""Scores by name: any of scikit-learn's scorers, and two that it has not. More is always better."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.answers import Answers, answers_of
from model_store.manifest import Task, shown

ScoreOf = Callable[[Any, pd.DataFrame, "pd.Series[Any]", Task], Mapping[str, float]]
"""A fitted estimator's scores by name, on inputs `(rows, columns)` with true values `(rows,)`.

The first one decides on acceptance, and more of it is better.
"""

ALIASES = {
    "mae": "neg_mean_absolute_error",
    "mse": "neg_mean_squared_error",
    "rmse": "neg_root_mean_squared_error",
    "mape": "neg_mean_absolute_percentage_error",
    "log_loss": "neg_log_loss",
    "auc": "roc_auc",
    "wape": "neg_wape",
    "pinball": "neg_pinball:0.5",
}
"""Short names, in small letters; an error counts negative, so that more is better."""


def metric_name(name: str, task: Task) -> str:
    """Return the full name of a metric, `neg_` before an error.

    Raises:
        TableError: there is no such metric, or it is none for this task.
    """
    known = metrics.get_scorer_names()
    given = name.strip().replace(" ", "_")
    found = ALIASES.get(given.lower(), given)
    for candidate in (found, f"neg_{found}", found.lower(), f"neg_{found.lower()}"):
        if candidate in known or candidate == "neg_wape" or quantile_of(candidate) is not None:
            found = candidate
            break
    else:
        raise TableError(
            f'There is no metric "{name}": name one of scikit-learn\'s scorers, as in roc_auc, '
            "average_precision, balanced_accuracy, f1_macro, r2, mae, mape, or wape or pinball:0.9."
        )
    if _is_of_amounts(found) != (task == "regression"):
        fitting = "r2, mae, rmse, mape, wape or pinball:0.9"
        labels = "accuracy, balanced_accuracy, roc_auc, average_precision or f1_macro"
        raise TableError(
            f'The metric "{name}" is none for a {task}: choose one such as '
            f"{fitting if task == 'regression' else labels}."
        )
    return found


def positive_label(labels: np.ndarray, learnt: np.ndarray) -> Any:
    """Return the label of two that precision and the like are of: true, 1, else the rarer."""
    for label in labels:
        if label is True or (isinstance(label, bool | np.bool_ | int | np.integer) and label == 1):
            return label
    counts = [int((learnt == label).sum()) for label in labels]
    return labels[int(np.argmin(counts))] if counts[0] != counts[-1] else labels[-1]


def metric_value(name: str, truth: np.ndarray, answers: Answers, positive: Any = None) -> float:
    """Return a metric's value; more is better.

    Args:
        name: as `metric_name` returns it.
        truth: `(rows,)`, of labels or of amounts.
        answers: to these rows.
        positive: the label of two that precision, recall and the like are of.

    Raises:
        TableError: it cannot be computed on these rows; the sentence says why.
    """
    try:
        if _is_of_amounts(name):
            return _amount_value(name, truth.astype(float), answers.predicted.astype(float))
        return _label_value(name, truth, answers, positive)
    except (ValueError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise TableError(
            f'The metric "{shown(name, 0)[0]}" cannot be computed on these rows ({reason}): choose '
            "another metric, or bring more rows."
        ) from error


class _Known:
    """What a scorer of scikit-learn asks of an estimator, answered from what is known."""

    def __init__(self, answers: Answers, values: np.ndarray, classes: np.ndarray) -> None:
        self._answers, self._values, self.classes_ = answers, values, classes
        self._estimator_type = "classifier"

    def __sklearn_tags__(self) -> Any:
        from sklearn.dummy import DummyClassifier  # noqa: PLC0415 - any classifier's tags will do

        return DummyClassifier().__sklearn_tags__()

    def predict(self, _inputs: object) -> np.ndarray:
        return self._values

    def predict_proba(self, _inputs: object) -> np.ndarray:
        if self._answers.probabilities is None:
            raise ValueError("the estimator has no probabilities")
        return self._answers.probabilities


def _label_value(name: str, truth: np.ndarray, answers: Answers, positive: Any) -> float:
    """Return a scorer's value for labels, as numbers: the positive one of two is 1."""
    labels = list(answers.labels) if answers.labels is not None else []
    if len(labels) == 2 and positive is not None and labels[0] == positive:  # noqa: PLR2004 - a pair
        shares = answers.probabilities
        answers = Answers(
            answers.predicted, None if shares is None else shares[:, ::-1], answers.labels
        )
        labels.reverse()
    known = len(labels)
    labels += [label for label in pd.unique(_objects(truth)) if label not in labels]
    labels += [label for label in pd.unique(_objects(answers.predicted)) if label not in labels]
    places = {label: place for place, label in enumerate(labels)}
    codes = np.array([places[label] for label in truth])
    found = np.array([places[label] for label in answers.predicted])
    scorer = metrics.get_scorer(name)
    estimator = _Known(answers, found, np.arange(known or len(labels)))
    return float(scorer(estimator, np.zeros((len(codes), 1)), codes))


def _objects(values: np.ndarray) -> np.ndarray:
    return np.asarray(values).astype(object)


def _amount_value(name: str, truth: np.ndarray, answers: np.ndarray) -> float:
    if name == "neg_wape":
        total = np.abs(truth).sum()
        if not total:
            raise ValueError("every true value is 0")
        return -float(np.abs(truth - answers).sum() / total)
    quantile = quantile_of(name)
    if quantile is not None:
        return -float(metrics.mean_pinball_loss(truth, answers, alpha=quantile))
    scorer = metrics.get_scorer(name)
    compute: Callable[..., float] = partial(scorer._score_func, **scorer._kwargs)  # noqa: SLF001 - its sign stands beside
    return float(scorer._sign * compute(truth, answers))  # noqa: SLF001


def quantile_of(name: str) -> float | None:
    """Return the quantile of a pinball loss, None for any other name."""
    kind, _, text = name.removeprefix("neg_").partition(":")
    if kind != "pinball" or not name.startswith("neg_"):
        return None
    try:
        quantile = float(text)
    except ValueError:
        return None
    return quantile if 0 < quantile < 1 else None


_AMOUNTS = frozenset(
    {
        "r2",
        "explained_variance",
        "d2_absolute_error_score",
        "neg_wape",
        "neg_max_error",
        "neg_mean_absolute_error",
        "neg_mean_absolute_percentage_error",
        "neg_mean_gamma_deviance",
        "neg_mean_poisson_deviance",
        "neg_mean_squared_error",
        "neg_mean_squared_log_error",
        "neg_median_absolute_error",
        "neg_root_mean_squared_error",
        "neg_root_mean_squared_log_error",
    }
)


def _is_of_amounts(name: str) -> bool:
    return name in _AMOUNTS or quantile_of(name) is not None


def metric_first(score: ScoreOf, metric: str, task: Task, learnt: "pd.Series[Any]") -> ScoreOf:
    """Return a score whose first value is a metric's; the score itself where none is named.

    Args:
        score: returns all others.
        metric: a name, in any of its spellings; empty: none.
        task: what the metric is of.
        learnt: the true values of the training rows, which say which of two labels is the rarer.

    Raises:
        TableError: there is no such metric for this task.
    """
    if not metric:
        return score
    name = metric_name(metric, task)

    def with_metric(
        estimator: Any, inputs: pd.DataFrame, truth: "pd.Series[Any]", task: Task
    ) -> dict[str, float]:
        answers = (
            estimator.ask(inputs) if hasattr(estimator, "ask") else answers_of(estimator, inputs)
        )
        positive = None
        if answers.labels is not None and len(answers.labels) == 2:  # noqa: PLR2004 - a pair
            positive = positive_label(answers.labels, learnt.to_numpy())
        first = {name: metric_value(name, truth.to_numpy(), answers, positive)}
        return first | dict(score(estimator, inputs, truth, task))

    return with_metric
