"""`AnomalyDetector`: how unusual a row is, as a share that people can read, and whether it is."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, clone

_STEPS = 1001


class AnomalyDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """Answers two values a row: whether it is an anomaly, and how unusual it is.

    The second one is the share of the training rows that are less unusual, 0 to 1: whatever the
    scores of a detector mean, 0.99 is more unusual than 99 of 100 rows of the training.

    Args:
        detector: an unfitted one of scikit-learn, with `score_samples`: more is more usual.
        share: how many of the training rows count as anomalies.
    """

    def __init__(self, detector: Any, share: float = 0.02) -> None:
        self.detector = detector
        self.share = share

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002, N803 - as sklearn asks
        """Learn what is usual from rows of numbers, `(rows, columns)`."""
        self.detector_ = clone(self.detector).fit(X)
        self.n_features_in_ = X.shape[1]
        steps = np.linspace(0, 1, _STEPS)
        unusual = np.quantile(-self.detector_.score_samples(X), steps)
        # Of equal scores the last rank counts, so that each has one.
        self.knots_, counts = np.unique(unusual, return_counts=True)
        self.ranks_ = steps[np.cumsum(counts) - 1]
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return an array of objects, `(rows, 2)`: bool and float."""
        shares = self.shares(X)
        answers = np.empty((len(shares), 2), dtype=object)
        answers[:, 0] = (shares > 1 - self.share).tolist()
        answers[:, 1] = shares.tolist()
        return answers

    def shares(self, X: Any) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return how unusual each row is, `(rows,)`: the share of less unusual training rows."""
        unusual = -self.detector_.score_samples(X)
        return np.asarray(np.interp(unusual, self.knots_, self.ranks_))
