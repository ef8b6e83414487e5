"""One of several outputs of a model, as a model of that target alone."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ml_pipe.runner.quality.metrics import ScoreOf
from model_store.manifest import Task


class OneOutput(BaseEstimator):  # type: ignore[misc]  # it has no types
    """Answers as an estimator of several outputs does, by one of them. It has no probabilities."""

    def __init__(self, estimator: Any, place: int, truth: pd.DataFrame | None = None) -> None:
        """Take an estimator, fitted or to be fitted.

        Args:
            estimator: of several outputs.
            place: which of these.
            truth: all targets of the rows that it may be fitted to, by their index.
        """
        self.estimator = estimator
        self.place = place
        self.truth = truth

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002, N803 - as sklearn asks
        """Fit the estimator to all targets of these rows."""
        if self.truth is None:
            raise ValueError("it knows no targets to be fitted to")
        self.estimator.fit(X, self.truth.loc[X.index])
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return the answers of one output, `(rows,)`."""
        values: np.ndarray = np.asarray(self.estimator.predict(X))[:, self.place]
        first = values[0] if len(values) else None
        # Outputs of several kinds come together as objects.
        is_number = isinstance(first, int | float | np.number) and not isinstance(first, bool)
        return values.astype(type(first)) if values.dtype == object and is_number else values


def score_each(score: ScoreOf, targets: Sequence[str]) -> ScoreOf:
    """Return a score of several targets: the mean of the first value, then all values of each.

    With one target, it is the score itself.
    """
    if len(targets) == 1:
        return score

    def scored(estimator: Any, inputs: pd.DataFrame, truth: Any, task: Task) -> dict[str, float]:
        found = {
            target: dict(score(OneOutput(estimator, place), inputs, truth[target], task))
            for place, target in enumerate(targets)
        }
        return joined_scores(found)

    return scored


def joined_scores(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return the mean of the first score over all targets, then each target's own scores."""
    first = next(iter(next(iter(found.values()))))
    mean = float(np.mean([scores[first] for scores in found.values()]))
    each = {
        f"{name} ({target})": value
        for target, scores in found.items()
        for name, value in scores.items()
    }
    return {first: mean} | each
