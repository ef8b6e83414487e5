"""What an estimator answers to rows, asked once and remembered for all who want to know."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import ensemble, tree
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

_LIKELIEST = (
    ensemble.ExtraTreesClassifier,
    ensemble.HistGradientBoostingClassifier,
    ensemble.RandomForestClassifier,
    tree.DecisionTreeClassifier,
)
"""Classifiers that answer the label of the largest probability. Boosting decides before it rounds
to probabilities, so that a tie in the last bit may differ: no score sees it, a service would."""


@dataclass(frozen=True)
class Answers:
    """The answers to some rows."""

    predicted: np.ndarray
    """`(rows,)`: labels or amounts; `(rows, targets)` of several."""
    probabilities: np.ndarray | None = None
    """`(rows, labels)`; None where the estimator has none."""
    labels: np.ndarray | None = None
    """`(labels,)`: what the columns of the probabilities stand for."""

    def __len__(self) -> int:
        return len(self.predicted)

    def take(self, places: np.ndarray) -> "Answers":
        """Return the answers to some of the rows, by their places or as a mask."""
        shares = None if self.probabilities is None else self.probabilities[places]
        return Answers(self.predicted[places], shares, self.labels)


@dataclass(frozen=True)
class Rows:
    """Rows whose true values are known."""

    inputs: pd.DataFrame
    """`(rows, columns)`"""
    truth: "pd.Series[Any]"
    """`(rows,)`"""


def answers_of(estimator: Any, inputs: pd.DataFrame) -> Answers:
    """Return a fitted estimator's answers to rows, `(rows, columns)`.

    Each row is predicted once where the label follows from the probabilities, else twice.
    """
    if not hasattr(estimator, "predict_proba") or isinstance(estimator.classes_, list):
        # A list has the classes of several outputs.
        return Answers(np.asarray(estimator.predict(inputs)))
    probabilities = np.asarray(estimator.predict_proba(inputs))
    labels = np.asarray(estimator.classes_)
    if isinstance(estimator, FixedThresholdClassifier) and estimator.threshold != "auto":
        return Answers(_by_threshold(estimator, probabilities), probabilities, labels)
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if type(last) in _LIKELIEST:
        return Answers(labels[probabilities.argmax(axis=1)], probabilities, labels)
    return Answers(np.asarray(estimator.predict(inputs)), probabilities, labels)


def _by_threshold(estimator: Any, probabilities: np.ndarray) -> np.ndarray:
    """Return the labels that a classifier of two answers from a threshold on."""
    labels = np.asarray(estimator.classes_)
    positive = 1 if estimator.pos_label is None else int(labels[1] == estimator.pos_label)
    reached = probabilities[:, positive] >= estimator.threshold
    return labels[np.where(reached, positive, 1 - positive)]


def joined(parts: "list[Answers]") -> Answers:
    """Return the answers to several sets of rows, one after the other."""
    values = np.concatenate([part.predicted for part in parts])
    shares = [part.probabilities for part in parts if part.probabilities is not None]
    whole = np.concatenate(shares) if len(shares) == len(parts) else None
    return Answers(values, whole, parts[0].labels)


class Remembering:
    """Stands for a fitted estimator, and predicts no row again that it was asked for before.

    It knows a table again by being the very same object; to any other, the estimator answers.
    """

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        self._known: list[tuple[pd.DataFrame, Answers]] = []

    def ask(self, inputs: pd.DataFrame) -> Answers:
        """Return the answers to rows, `(rows, columns)`, remembered from now on."""
        found = self._find(inputs)
        if found is None:
            found = answers_of(self._estimator, inputs)
            self.remember(inputs, found)
        return found

    def remember(self, inputs: pd.DataFrame, answers: Answers) -> None:
        """Keep what is known of a table from elsewhere."""
        self._known.append((inputs, answers))

    def predict(self, X: pd.DataFrame) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return the answers to rows."""
        known = self._find(X)
        return known.predicted if known else np.asarray(self._estimator.predict(X))

    def __getattr__(self, name: str) -> Any:
        own = object.__getattribute__(self, "_estimator")
        if name == "decision_function" and hasattr(own, "predict_proba"):
            # A scorer would prefer it, and nobody asked for it before.
            raise AttributeError(name)
        found = getattr(own, name)
        return self._probabilities if name == "predict_proba" else found

    def _probabilities(self, X: pd.DataFrame) -> np.ndarray:  # noqa: N803 - as sklearn asks
        known = self._find(X)
        if known is None or known.probabilities is None:
            return np.asarray(self._estimator.predict_proba(X))
        return known.probabilities

    def _find(self, inputs: pd.DataFrame) -> Answers | None:
        return next((answers for table, answers in self._known if table is inputs), None)
