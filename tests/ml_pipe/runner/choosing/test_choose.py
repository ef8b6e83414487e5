"""`choose`: one estimator, or the simplest of those that are about as good."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from ml_pipe.runner.choosing.candidates import simplest
from ml_pipe.runner.choosing.choose import Chosen, choose
from ml_pipe.runner.choosing.search import read_space, searched
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.answers import answers_of
from ml_pipe.runner.summary import Candidate
from ml_pipe.runner.table.prepared_table import Facts
from ml_pipe.train_test_validate import score
from model_store.schema.infer_signature import infer_signature

RNG = np.random.default_rng(0)
INPUTS = pd.DataFrame(RNG.normal(size=(400, 2)), columns=["x", "z"])
LABELS = np.where(INPUTS["x"] + RNG.normal(size=400) * 0.3 > 1, "fraud", "ok").astype(object)
TABLE = INPUTS.assign(y=LABELS)
SPLITS = {"train": TABLE[:240], "test": TABLE[240:320], "validation": TABLE[320:]}


@pytest.fixture
def run(tmp_path: Path) -> RunData:
    """A run on a table of two labels, which a line parts."""
    facts = Facts(
        model="m",
        task="classification",
        target="y",
        source="m.csv",
        fingerprint="",
        dropped={},
        remarks=[],
        signature=infer_signature(INPUTS, TABLE[["y"]].astype("category")),
    )
    return RunData(TABLE, facts, tmp_path)


def build(task: str, inputs: Any, seed: int, candidate: str = "linear") -> Any:
    """Return a linear model, or a tree."""
    if candidate == "tree":
        return DecisionTreeClassifier(random_state=seed)
    return make_pipeline(StandardScaler(), LogisticRegression())


def build_one(task: str, inputs: Any, seed: int) -> Any:
    """Return a linear model, as a function that knows no candidates."""
    return build(task, inputs, seed)


def test_without_candidates_there_is_no_choice(run: RunData) -> None:
    """The estimator of the notebook is fitted; a function without candidates will do."""
    found = choose(run, SPLITS, build_one, score)
    assert found.candidates == ()
    assert not found.on_validation
    assert found.estimator.predict(INPUTS).shape == (400,)
    with pytest.raises(TableError, match="takes no candidate: give it a fourth argument"):
        choose(run, SPLITS, build_one, score, candidates=["linear"])


def test_candidates_make_a_leaderboard(run: RunData) -> None:
    """With score, standard error and time of each; nothing of it is seen by the other rows."""
    found = choose(run, SPLITS, build, score, candidates=["tree", "linear"], metric="roc_auc")
    assert {each.name: each.chosen for each in found.candidates} == {"linear": True, "tree": False}
    assert all(each.error > 0 and each.seconds > 0 for each in found.candidates)
    assert not found.on_validation
    assert isinstance(found.leaderboard, pd.DataFrame)
    assert "candidates=linear,forest,boosting" in str(Chosen(None).leaderboard)


@pytest.mark.parametrize(
    ("scores", "winner"),
    [
        ({"boosting": 0.90, "forest": 0.895, "linear": 0.80}, "forest"),
        ({"boosting": 0.90, "forest": 0.895, "linear": 0.893}, "linear"),
        ({"boosting": 0.90, "forest": 0.85, "linear": 0.80}, "boosting"),
        ({"own": 0.90, "other": 0.899, "boosting": 0.80}, "own"),
        ({"own": 0.90, "linear": 0.899}, "linear"),
    ],
)
def test_the_simplest_within_one_standard_error_wins(scores: dict[str, float], winner: str) -> None:
    """Simple is what people call so; of others, the one that was named first."""
    board = [Candidate(name=n, score=s, error=0.01, seconds=1) for n, s in scores.items()]
    assert simplest(board, list(scores)) == winner


def test_a_threshold_is_chosen_on_the_validation_rows(run: RunData) -> None:
    """And kept in the estimator, whose answers follow it."""
    found = choose(run, SPLITS, build, score, threshold="best", metric="f1")
    assert found.on_validation
    assert isinstance(found.estimator, FixedThresholdClassifier)
    assert found.threshold.startswith('"fraud" from a probability of 0.')
    assert found.threshold.endswith("the best on the validation rows by f1")
    answers = found.estimator.predict(INPUTS)
    assert np.array_equal(answers_of(found.estimator, INPUTS).predicted, answers)
    given = choose(run, SPLITS, build, score, threshold="0.01")
    assert not given.on_validation
    assert (given.estimator.predict(INPUTS) == "fraud").sum() > (answers == "fraud").sum()


@pytest.mark.slow  # a search fits dozens of models
def test_a_search_finds_better_settings(run: RunData) -> None:
    """Of lists and ranges; an unknown setting is refused with those that there are."""
    found = choose(run, SPLITS, build, score, search='{"linear": {"C": [0.000001, 1.0]}}')
    assert found.candidates[0].settings == {"C": "1.0"}
    space = read_space('{"linear": {"C": {"low": 0.0001, "high": 100.0}, "fit_intercept": [true]}}')
    model, settings = searched(
        build("classification", (), 0),
        space["linear"],
        INPUTS,
        TABLE["y"],
        "classification",
        score=score,
        seed=0,
    )
    assert set(settings) == {"C", "fit_intercept"}
    assert model.fit(INPUTS, TABLE["y"]).score(INPUTS, TABLE["y"]) > 0.9
    with pytest.raises(TableError, match='no setting "depth" to search: there are C, class_weight'):
        choose(run, SPLITS, build, score, search='{"linear": {"depth": [1]}}')


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": 1}', '{"a": {"b": {"low": 2, "high": 1}}}'])
def test_a_space_that_is_none_is_refused(text: str) -> None:
    """With an example of one."""
    with pytest.raises(TableError, match=r"as in \[search.boosting\]"):
        read_space(text)


def test_what_is_for_labels_alone_is_refused_for_amounts(run: RunData, tmp_path: Path) -> None:
    """Before anything is fitted."""
    amounts = RunData(TABLE, msgspec.structs.replace(run.facts, task="regression"), tmp_path)
    with pytest.raises(TableError, match="are for a classification"):
        choose(amounts, SPLITS, build, score, threshold="best")
