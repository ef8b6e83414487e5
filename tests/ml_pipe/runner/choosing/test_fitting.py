"""Class weights, rounds, and thresholds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_pipe.runner.choosing.fitting import with_class_weight, within_budget
from ml_pipe.runner.choosing.threshold import best_threshold, read_threshold, with_threshold
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.answers import Answers, Rows


def test_class_weights_reach_the_classifier() -> None:
    """Inside a pipeline too; one that has none is named."""
    model = with_class_weight(make_pipeline(StandardScaler(), LogisticRegression()), "balanced")
    assert model.get_params()["logisticregression__class_weight"] == "balanced"
    with pytest.raises(TableError, match="this estimator has none"):
        with_class_weight(Ridge(), "balanced")
    with pytest.raises(TableError, match='no class_weight "heavy"'):
        with_class_weight(LogisticRegression(), "heavy")


def test_many_labels_get_fewer_rounds() -> None:
    """And a sentence says so; few labels keep theirs."""
    truth = pd.Series(np.arange(300).repeat(3))
    model, note = within_budget(make_pipeline(HistGradientBoostingClassifier(max_iter=60)), truth)
    assert model.steps[-1][1].max_iter == 10
    assert note.startswith("300 labels in 60 rounds of boosting would take 18,000 trees: there are")
    few, note = within_budget(HistGradientBoostingClassifier(max_iter=60), truth % 5)
    assert (few.max_iter, note) == (60, "")


def test_the_best_threshold_lies_between_two_probabilities() -> None:
    """Of several that are as good, the one nearest to one half."""
    shares = np.array([0.1, 0.2, 0.3, 0.7])
    labels = np.array(["no", "yes"], dtype=object)
    answers = Answers(np.array(["no"] * 4), np.column_stack([1 - shares, shares]), labels)
    known = Rows(pd.DataFrame({"x": shares}), pd.Series(["no", "no", "yes", "yes"], dtype=object))
    assert best_threshold(answers, known, "yes", "accuracy") == pytest.approx(0.25)


@pytest.mark.parametrize("text", ["1.5", "0", "worst", "-1"])
def test_a_threshold_that_is_none_is_refused(text: str) -> None:
    """A threshold is a probability."""
    with pytest.raises(TableError, match="write best, or a number between 0 and 1"):
        read_threshold(text)


def test_a_threshold_needs_two_labels() -> None:
    """And their probabilities."""
    rows = Rows(pd.DataFrame({"x": [0.0, 1.0, 2.0]}), pd.Series(["a", "b", "c"]))
    three = LogisticRegression().fit(rows.inputs, rows.truth)
    with pytest.raises(TableError, match="with probabilities of two labels"):
        with_threshold(three, "0.3", rows, rows.truth.to_numpy(), "")
