"""From which probability on one of two labels is answered: given, or the best by a metric."""

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.answers import Answers, Rows, answers_of
from ml_pipe.runner.quality.metrics import metric_value, positive_label

BEST = "best"
_MOST = 200
_OF_RANKS = frozenset(
    {"roc_auc", "average_precision", "neg_log_loss", "neg_brier_score", "d2_log_loss_score"}
)
"""Metrics that no threshold changes."""


def read_threshold(text: str) -> float | str:
    """Return a threshold: "" for none, "best", or a probability.

    Raises:
        TableError: it is none of them.
    """
    if text in {"", BEST}:
        return text
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if 0 < value < 1:
        return value
    raise TableError(f'There is no threshold "{text}": write best, or a number between 0 and 1.')


def with_threshold(
    estimator: Any, text: str, validation: Rows, learnt: np.ndarray, metric: str
) -> tuple[Any, str]:
    """Return a fitted classifier that decides by a threshold, and which, a phrase.

    Args:
        estimator: a fitted classifier with probabilities of two labels.
        text: "best", or a probability.
        validation: the rows that the best is chosen by.
        learnt: the labels of the training rows, `(rows,)`: the rarer one is answered from the
            threshold on, unless there is a true or a 1.
        metric: the score that decides; balanced accuracy where no threshold changes it.

    Raises:
        TableError: the estimator has no probabilities of two labels.
    """
    wanted = read_threshold(text)
    if wanted == "":
        return estimator, ""
    labels = np.asarray(getattr(estimator, "classes_", []))
    if len(labels) != 2 or not hasattr(estimator, "predict_proba"):  # noqa: PLR2004 - a pair
        raise TableError("A threshold is for a classifier with probabilities of two labels.")
    positive = positive_label(labels, learnt)
    how = "as it was given"
    if wanted == BEST:
        by = "balanced_accuracy" if not metric or metric in _OF_RANKS else metric
        wanted = best_threshold(answers_of(estimator, validation.inputs), validation, positive, by)
        how = f"the best on the validation rows by {by.replace('_', ' ')}"
    chosen = FixedThresholdClassifier(
        FrozenEstimator(estimator),
        threshold=float(wanted),
        pos_label=positive.item() if isinstance(positive, np.generic) else positive,
        response_method="predict_proba",
    ).fit(validation.inputs, validation.truth)
    return chosen, f'"{positive}" from a probability of {float(wanted):.3g} on, {how}'


def best_threshold(answers: Answers, known: Rows, positive: Any, metric: str) -> float:
    """Return the threshold with the largest value of a metric; of several, the one nearest to 0.5.

    It lies half-way between two probabilities, so that no row of these stands on it.
    """
    labels = np.asarray(answers.labels)
    place = int(np.flatnonzero(labels == positive)[0])
    shares = np.asarray(answers.probabilities)[:, place]
    levels = np.unique(shares)
    if len(levels) > _MOST:
        levels = np.unique(np.quantile(shares, np.linspace(0, 1, _MOST)))
    between = (levels[1:] + levels[:-1]) / 2
    tried = np.append(between[(between > 0) & (between < 1)], 0.5)
    truth = known.truth.to_numpy()
    values = []
    for level in tried:
        predicted = np.where(shares >= level, labels[place], labels[1 - place])
        given = Answers(predicted.astype(labels.dtype), answers.probabilities, labels)
        values.append(metric_value(metric, truth, given, positive))
    best = tried[np.isclose(values, np.max(values))]
    return float(best[np.argmin(np.abs(best - 0.5))])
