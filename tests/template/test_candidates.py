"""The candidates that the template's second notebook knows; a user's own may know none."""

import numpy as np
import pandas as pd
import pytest

from ml_pipe.model_class import build_estimator
from ml_pipe.runner.errors import TableError
from model_store.manifest import Task
from model_store.schema.infer_signature import infer_signature

RNG = np.random.default_rng(0)
INPUTS = pd.DataFrame(RNG.normal(size=(400, 2)), columns=["x", "z"])
LABELS = pd.Series(np.where(INPUTS["x"] > 1, "fraud", "ok").astype(object), name="y")
COLUMNS = infer_signature(INPUTS, LABELS.to_frame().astype("category")).inputs


@pytest.mark.parametrize("name", ["linear", "tree", "forest", "boosting"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_each_candidate_learns(task: Task, name: str) -> None:
    """For both tasks."""
    truth = LABELS if task == "classification" else INPUTS["x"] * 2
    model = build_estimator(task, COLUMNS, 0, name).fit(INPUTS[:300], truth[:300])
    assert model.score(INPUTS[300:], truth[300:]) > 0.7


def test_an_unknown_candidate_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(
        TableError, match='no candidate "neural": there are linear, tree, forest, l'
    ):
        build_estimator("classification", COLUMNS, 0, "neural")
