"""The standard error of a score."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.tree import DecisionTreeClassifier

from ml_pipe.runner.quality.answers import Rows, answers_of
from ml_pipe.runner.quality.intervals import standard_error
from ml_pipe.train_test_validate import score


@pytest.mark.parametrize("rows", [400, 4000])
def test_it_is_that_of_a_share(rows: int) -> None:
    """By drawing rows again, and by dividing them."""
    truth = pd.Series(np.random.default_rng(0).choice(["a", "b"], rows))
    known = Rows(pd.DataFrame({"x": np.zeros(rows)}), truth)
    model = DummyClassifier(strategy="constant", constant="a").fit(known.inputs, truth)
    answers = answers_of(model, known.inputs)
    found = standard_error(model, known, answers, "classification", score, seed=0)
    assert found == pytest.approx(0.5 / np.sqrt(rows), rel=0.5)


def test_a_score_without_a_mistake_may_have_one() -> None:
    """Three of a hundred, where a hundred were right."""
    known = Rows(pd.DataFrame({"x": np.arange(100.0)}), pd.Series(["a"] * 50 + ["b"] * 50))
    model = DecisionTreeClassifier().fit(known.inputs, known.truth)
    answers = answers_of(model, known.inputs)
    found = standard_error(model, known, answers, "classification", score, seed=0)
    assert found == pytest.approx(0.015)
