"""`evaluate`: importance, groups, and the guess that a model has to beat."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression

from ml_pipe.runner.evaluation import evaluate
from ml_pipe.runner.figures import plot_answers, plot_groups, plot_importance
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.importance import importance_of
from ml_pipe.runner.table.prepared_table import Facts
from ml_pipe.train_test_validate import score
from model_store.manifest import Task
from model_store.schema.infer_signature import infer_signature


@pytest.mark.slow  # it draws
def test_importance_and_pictures() -> None:
    """The column that decides comes first; both tasks are drawn."""
    table = pd.DataFrame({"noise": [1.0, 2, 3, 4] * 5, "x": np.arange(20.0)})
    truth = table["x"] * 2

    def r2(model: Any, rows: pd.DataFrame, values: "pd.Series") -> dict[str, float]:
        return score(model, rows, values, "regression")

    estimator = LinearRegression().fit(table, truth)
    importance = importance_of(estimator, table, truth, 0, r2).falls
    assert list(importance) == ["x", "noise"]
    assert len(plot_importance(importance).axes) == 1
    groups = pd.DataFrame({"rows": [20, 3], "score": [0.5, np.nan]}, index=["many", "few"])
    assert len(plot_groups(groups).axes[0].patches) == 1
    assert len(plot_answers(truth, estimator.predict(table), "regression").axes) == 1
    labels = pd.Series([True, False])
    assert len(plot_answers(labels, np.array([True, True]), "classification").axes[0].texts) == 4


class FirstLetter(BaseEstimator):  # type: ignore[misc]  # it has no types
    """Answers a fixed label, and has neither `score` nor `predict_proba`."""

    def fit(self, X: pd.DataFrame, y: "pd.Series") -> "FirstLetter":  # noqa: N803 - as sklearn asks
        """Learn nothing."""
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return "a" for every row."""
        return np.array(["a"] * len(X), dtype=object)


def euros(estimator: Any, inputs: pd.DataFrame, truth: "pd.Series", task: Task) -> dict[str, float]:
    """A measure of one's own: two euros for each right answer."""
    return {"euros": 2.0 * float((estimator.predict(inputs) == truth).sum())}


def test_an_estimator_and_a_score_of_ones_own_are_enough(tmp_path: Path) -> None:
    """`fit` and `predict`, and one number: the first score decides, whatever it is called."""
    table = pd.DataFrame({"x": np.arange(40.0), "g": ["u", "v"] * 20, "y": ["a", "b"] * 20})
    signature = infer_signature(table[["x"]], table[["y"]].astype("category"))
    facts = Facts(
        model="own",
        task="classification",
        target="y",
        source="own.csv",
        fingerprint="",
        dropped={},
        remarks=[],
        signature=signature,
    )
    run = RunData(table, facts, tmp_path)
    splits = {"train": table[:16], "test": table[16:28], "validation": table[28:]}
    found = evaluate(run, FirstLetter().fit(table, table["y"]), splits, euros)
    assert found.deciding == "euros"
    assert found.decisive == {"train": 16.0, "test": 12.0, "validation": 12.0}
    assert found.guessed == {"euros": 12.0}
    assert found.importance == {"x": 0.0}
    assert found.bias == 0
    assert (found.scores[0].metric, found.scores[0].split) == ("euros", "train")
    assert list(found.overview) == ["train", "test", "validation", "test, guessed"]
