"""`ConformalInterval`: an amount, and the bounds between which so many true values lie."""

import math
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone


class ConformalInterval(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """Answers three columns: an amount, its lower bound and its upper one.

    Two models of quantiles say how wide the interval is for a row. A quarter of the rows is held
    back from them, and says by how much the bounds must be moved until they hold as often as they
    should: conformalized quantile regression. For rows from the same source, at least `coverage` of
    the true values then lie within, whatever the models are like.

    https://proceedings.neurips.cc/paper/2019/hash/5103c3584b063c431bd1268e9b5e76fb-Abstract.html
    """

    def __init__(
        self, estimator: Any, lower: Any, upper: Any, coverage: float = 0.9, seed: int = 7
    ) -> None:
        """Take unfitted models.

        Args:
            estimator: of the amount.
            lower: of the lower quantile.
            upper: of the upper quantile.
            coverage: the share of true values that should lie within, between 0 and 1.
            seed: which rows are held back.
        """
        self.estimator = estimator
        self.lower = lower
        self.upper = upper
        self.coverage = coverage
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Any) -> Self:  # noqa: N803 - as sklearn asks
        """Fit the amount to all rows, the bounds to three quarters, and move these by the rest.

        Raises:
            ValueError: the rows are too few for the coverage.
        """
        truth = np.asarray(y, dtype=float).ravel()
        held = held_back(len(truth), self.coverage)
        order = np.random.default_rng(self.seed).permutation(len(truth))
        back, known = order[:held], order[held:]
        self.estimator_ = clone(self.estimator).fit(X, truth)
        self.lower_ = clone(self.lower).fit(X.iloc[known], truth[known])
        self.upper_ = clone(self.upper).fit(X.iloc[known], truth[known])
        rows = X.iloc[back]
        below = self.lower_.predict(rows) - truth[back]
        above = truth[back] - self.upper_.predict(rows)
        misses = np.sort(np.maximum(below, above))
        self.margin_ = float(misses[math.ceil((held + 1) * self.coverage) - 1])
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return `(rows, 3)`: the amount, its lower bound and its upper one, in this order.

        The amount is never outside of its bounds.
        """
        amount = self.estimator_.predict(X)
        lower = np.minimum(self.lower_.predict(X) - self.margin_, amount)
        upper = np.maximum(self.upper_.predict(X) + self.margin_, amount)
        return np.column_stack([amount, lower, upper])


def held_back(rows: int, coverage: float) -> int:
    """Return how many of some rows are held back: a quarter, and enough for the coverage.

    Raises:
        ValueError: they would be more than half of the rows.
    """
    fewest = math.ceil(round(coverage / (1 - coverage), 6))
    held = max(round(rows / 4), fewest)
    if held > rows // 2:
        raise ValueError(
            f"an interval with a coverage of {coverage:g} needs at least {2 * fewest} training "
            f"rows, and there are {rows}"
        )
    return held
