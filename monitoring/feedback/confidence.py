"""Estimates a classifier's scores from its probabilities, where true values are not known.

Confidence-based performance estimation: of rows that were answered with a probability of 0.8, four
in five should be right. That holds for probabilities that are calibrated, and as long as the truth
depends on the inputs as it did: such an estimate sees inputs drift, and not a world that changed.
The method and its formulas are those of NannyML's CBPE for several classes; the differences are
in `Calibration.fit`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitoring.feedback.scores import Labels, Numbers

SMALLEST_CALIBRATION = 200
"""Minimum labelled rows for a calibration: with fewer, the steps of a fit follow single rows."""


@dataclass(frozen=True)
class Isotonic:
    """A function that never falls: straight between its points, level outside of them."""

    x: Numbers
    y: Numbers

    @classmethod
    def fit(cls, x: Numbers, y: Numbers) -> Self:
        """Return the one that is nearest to some points, by squares; `x` and `y` are `(rows,)`."""
        places, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
        means = np.bincount(inverse, weights=y) / counts
        # Pool adjacent violators: a block that is above the next one becomes one with it.
        values: list[float] = []
        weights: list[int] = []
        widths: list[int] = []
        for mean, count in zip(means.tolist(), counts.tolist(), strict=True):
            value, weight, width = mean, count, 1
            while values and values[-1] >= value:
                weight += weights[-1]
                value += (values.pop() - value) * weights.pop() / weight
                width += widths.pop()
            values.append(value)
            weights.append(weight)
            widths.append(width)
        return cls(places, np.repeat(values, widths))

    def __call__(self, x: Numbers) -> Numbers:
        """Return the function's values."""
        return np.interp(x, self.x, self.y)


@dataclass(frozen=True)
class Calibration:
    """Maps a model's probabilities to how often they came true."""

    functions: tuple[Isotonic | None, ...]
    """One a class; None: its probabilities are not changed."""

    @classmethod
    def fit(cls, truth: Labels, classes: Sequence[str], shares: Numbers) -> Self | None:
        """Learn from labelled rows, each class against all others; None: they are too few.

        A class that never came true, or always, stays as it is: its rows teach nothing. (NannyML
        also leaves a class alone that its cross-validation finds calibrated enough.)

        Args:
            truth: of shape `(rows,)`.
            classes: the labels that have probabilities.
            shares: of shape `(rows, classes)`.
        """
        if len(truth) < SMALLEST_CALIBRATION:
            return None
        functions: list[Isotonic | None] = []
        for number, label in enumerate(classes):
            came_true = truth == label
            mixed = came_true.any() and not came_true.all()
            function = Isotonic.fit(shares[:, number], came_true.astype(float)) if mixed else None
            functions.append(function)
        return cls(tuple(functions))

    def __call__(self, shares: Numbers) -> Numbers:
        """Return calibrated probabilities, of the same shape, each row with the sum 1."""
        found = shares.astype(np.float64)
        for number, function in enumerate(self.functions):
            if function is not None:
                found[:, number] = function(found[:, number])
        sums = found.sum(axis=1, keepdims=True)
        # Where no class is left with a share, nothing is known of the row.
        even = np.full_like(found, 1 / len(self.functions))
        calibrated: Numbers = np.divide(found, sums, out=even, where=sums > 0)
        return calibrated


def expected_scores(shares: Numbers, answers: NDArray[np.intp]) -> dict[str, float]:
    """Return the accuracy and macro F1 expected from probabilities, of at least one row.

    Args:
        shares: of shape `(rows, classes)`, calibrated.
        answers: of shape `(rows,)`: which class was answered.
    """
    answered = answers[:, np.newaxis] == np.arange(shares.shape[1])
    right = np.where(answered, shares, 0.0).sum(axis=0)
    answered_or_likely = shares.sum(axis=0) + answered.sum(axis=0)
    # A class that is neither answered nor likely counts as 0, as in NannyML.
    f1 = np.divide(
        2 * right, answered_or_likely, out=np.zeros_like(right), where=answered_or_likely > 0
    )
    return {"accuracy": float(right.sum() / len(shares)), "f1_macro": float(f1.mean())}
