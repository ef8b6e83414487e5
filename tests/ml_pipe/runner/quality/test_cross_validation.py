"""Cross-validation of few rows."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from ml_pipe.runner.quality.answers import Rows
from ml_pipe.runner.quality.cross_validation import cross_validate, folds_for, parts_of
from ml_pipe.train_test_validate import score

RNG = np.random.default_rng(0)
INPUTS = pd.DataFrame(RNG.normal(size=(60, 2)), columns=["x", "z"])
TRUTH = pd.Series(np.where(INPUTS["x"] > 0, "far", "near").astype(object))


def test_each_row_is_answered_once() -> None:
    """With its probabilities, and a standard error of the score."""
    parts = parts_of(TRUTH, "classification", 5, 0)
    assert sorted(np.concatenate([unseen for _, unseen in parts])) == list(range(60))
    known = Rows(INPUTS, TRUTH)
    found = cross_validate(LogisticRegression(), known, parts, "classification", score)
    assert found is not None
    assert len(found.scores) == 5
    assert len(found.truth) == len(found.answers) == 60
    assert found.mean > 0.8
    assert 0 < found.error < 0.1


def test_groups_and_time_are_kept() -> None:
    """No group on both sides; no row learnt from that is newer."""
    groups = pd.Series(np.arange(60) // 6)
    for learnt, unseen in parts_of(TRUTH, "classification", 5, 0, ("group", groups)):
        assert not set(groups[learnt]) & set(groups[unseen])
    days = pd.Series(RNG.permutation(60))
    for learnt, unseen in parts_of(TRUTH, "classification", 5, 0, ("time", days)):
        assert days[learnt].max() < days[unseen].min()


def test_few_rows_are_cross_validated_unasked() -> None:
    """In 5 parts; many only where somebody asks, and a predefined split never."""
    assert folds_for(150, 0, "random") == 5
    assert folds_for(5000, 0, "random") == 0
    assert folds_for(5000, 10, "time:day") == 10
    assert folds_for(150, 1, "random") == 0
    assert folds_for(150, 0, "group:g") == 0
    assert folds_for(150, 5, "predefined:p") == 0


def test_what_cannot_be_copied_is_not_cross_validated() -> None:
    """As an estimator that scikit-learn does not know."""

    class Own:
        """It has `predict` alone."""

        def predict(self, inputs: pd.DataFrame) -> np.ndarray:
            return np.zeros(len(inputs))

    parts = parts_of(TRUTH, "classification", 3, 0)
    assert cross_validate(Own(), Rows(INPUTS, TRUTH), parts, "classification", score) is None


def test_rare_labels_do_not_stop_it() -> None:
    """A label with two rows is in fewer parts than there are."""
    truth = TRUTH.copy()
    truth[:2] = "rare"
    assert len(parts_of(truth, "classification", 5, 0)) == 5
