"""Each row is predicted once, and the stand-in answers what the estimator would."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_pipe.runner.quality.answers import Remembering, answers_of, joined

RNG = np.random.default_rng(0)
INPUTS = pd.DataFrame(RNG.normal(size=(60, 2)), columns=["x", "y"])
TRUTH = pd.Series(np.where(INPUTS["x"] > 0, "far", "near").astype(object))


class Counting(BaseEstimator):  # type: ignore[misc]  # it has no types
    """Counts the rows that it predicts."""

    def __init__(self) -> None:
        self.rows = 0

    def predict(self, inputs: pd.DataFrame) -> np.ndarray:
        self.rows += len(inputs)
        return np.zeros(len(inputs))


def test_a_label_that_follows_from_the_probabilities_is_not_asked_for() -> None:
    """And is the one that `predict` gives."""
    for model in (HistGradientBoostingClassifier(max_iter=5), LogisticRegression()):
        fitted = make_pipeline(StandardScaler(), model).fit(INPUTS, TRUTH)
        found = answers_of(fitted, INPUTS)
        assert np.array_equal(found.predicted, fitted.predict(INPUTS))
        assert np.array_equal(np.asarray(found.probabilities), fitted.predict_proba(INPUTS))


def test_a_table_is_predicted_once() -> None:
    """Another table with the same values is not taken for it."""
    estimator: Any = Counting()
    standing_in = Remembering(estimator)
    for _ in range(3):
        standing_in.ask(INPUTS)
        standing_in.predict(INPUTS)
    assert estimator.rows == 60
    standing_in.predict(INPUTS[:10])
    assert estimator.rows == 70
    assert not hasattr(standing_in, "predict_proba")


def test_answers_are_taken_and_joined() -> None:
    """By places or as a mask, with their probabilities."""
    whole = answers_of(LogisticRegression().fit(INPUTS, TRUTH), INPUTS)
    halves = [whole.take(np.arange(60) < 20), whole.take(np.arange(20, 60))]
    again = joined(halves)
    assert np.array_equal(again.predicted, whole.predicted)
    assert np.array_equal(np.asarray(again.probabilities), np.asarray(whole.probabilities))
