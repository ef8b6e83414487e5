"""Scores of answers whose truth is known: pure functions of arrays, named as the notebooks do.

They are scikit-learn's, which a service that only serves does not have.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.str_]
Numbers = NDArray[np.float64]

# Below it a probability counts as this much, as in scikit-learn: else one row could cost infinity.
_SMALLEST_SHARE = np.finfo(np.float64).eps


def classification_scores(
    truth: Labels, answers: Labels, classes: Collection[str] = ()
) -> dict[str, float]:
    """Return accuracy and macro F1 of at least one row; both arrays have the shape `(rows,)`.

    A label that is never answered, or never true, has an F1 of 0, and counts. But where the classes
    are given, macro F1 is the mean over those of them that occur: a label that is none of them
    makes its row wrong, and is not a class with an F1 of 0, which one misspelt label would cause.
    """
    labels, codes = np.unique(np.concatenate([truth, answers]), return_inverse=True)
    true, answered = codes[: len(truth)], codes[len(truth) :]
    right = np.bincount(true[true == answered], minlength=len(labels))
    # Of each label: how often it was true, and how often it was answered.
    occurring = np.bincount(true, minlength=len(labels)) + np.bincount(
        answered, minlength=len(labels)
    )
    counted = np.isin(labels, [*classes]) if classes else np.ones(len(labels), np.bool_)
    f1 = (2 * right / occurring)[counted]
    return {
        "accuracy": float(np.mean(true == answered)),
        "f1_macro": float(f1.mean()) if len(f1) else 0.0,
    }


def log_loss(truth: Labels, classes: tuple[str, ...], shares: Numbers) -> float:
    """Return the mean negative logarithm of the probability that the truth was given.

    Args:
        truth: of shape `(rows,)`, at least one.
        classes: the labels that have probabilities. Any other label was given none.
        shares: of shape `(rows, classes)`.
    """
    was_true = truth[:, np.newaxis] == np.array(classes)
    given = np.where(was_true, shares, 0.0).sum(axis=1)
    return float(-np.log(np.clip(given, _SMALLEST_SHARE, 1 - _SMALLEST_SHARE)).mean())


def regression_scores(truth: Numbers, answers: Numbers) -> dict[str, float]:
    """Return the scores of numbers; both arrays have the shape `(rows,)`, at least one.

    `bias` is the mean of answer minus truth: above 0 the model answers too much. Of fewer than two
    rows there is no `r2`; where the truth never varies it is 1 for answers without error, else 0.
    """
    errors = answers - truth
    squares = float(np.sum(errors**2))
    scores = {
        "mean_absolute_error": float(np.mean(np.abs(errors))),
        "root_mean_squared_error": float(np.sqrt(squares / len(errors))),
        "bias": float(np.mean(errors)),
    }
    if len(truth) > 1:
        spread = float(np.sum((truth - truth.mean()) ** 2))
        scores["r2"] = 1 - squares / spread if spread else float(squares == 0)
    return scores


def interval_scores(
    truth: Numbers, lower: Numbers, upper: Numbers, coverage: float
) -> dict[str, float]:
    """Return how well intervals hold; all arrays have the shape `(rows,)`, at least one.

    `coverage` is the share of true values within, the bounds included. `interval_score` is
    Winkler's, less is better: the mean width, and for each true value outside its distance from
    the nearer bound times `2 / (1 - coverage)`.
    """
    width = upper - lower
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return {
        "coverage": float(np.mean(outside == 0)),
        "interval_score": float(np.mean(width + 2 / (1 - coverage) * outside)),
        "interval_width": float(np.mean(width)),
    }
