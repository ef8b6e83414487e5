"""Several targets go through the three calls: chosen, evaluated each by itself, and published."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_pipe.data_etl import prepare, task_of_all
from ml_pipe.runner.choosing.choose import choose
from ml_pipe.runner.errors import AcceptanceError, TableError
from ml_pipe.runner.evaluation import evaluate
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.publication import reference_of
from ml_pipe.runner.quality.acceptance import check_beaten
from ml_pipe.runner.quality.checks import check
from ml_pipe.runner.table.target_names import targets_of
from ml_pipe.runner.targets.for_targets import for_targets
from ml_pipe.train_test_validate import score, split_rows
from tests.ml_pipe.runner.prepared_run import run_from

RNG = np.random.default_rng(0)
ROWS = 300
TABLE = pd.DataFrame(RNG.normal(size=(ROWS, 2)), columns=["x", "z"]).assign(
    north=lambda t: 3 * t["x"] + RNG.normal(size=ROWS) * 0.3,
    south=lambda t: t["z"] - t["x"] + RNG.normal(size=ROWS) * 0.3,
    coin=lambda _: RNG.normal(size=ROWS),
)
PARAMETERS = {
    "target": "north, south",
    "task": "",
    "leave_out": [],
    "drop_duplicates": False,
    "same_columns": True,
}


def run_of(table: pd.DataFrame, target: str, folder: Path) -> RunData:
    """Return a run as the first notebook leaves it."""
    return run_from(prepare(table, PARAMETERS | {"target": target}), folder)


def build(task: str, inputs: Any, seed: int) -> Any:
    """Return a model that learns one target."""
    boosted = HistGradientBoostingRegressor(max_iter=20, early_stopping=False, random_state=seed)
    return Pipeline([("scale", StandardScaler()), ("model", boosted)])


def evaluated(run: RunData, build: Any) -> Any:
    """Return a fitted estimator, the splits, and the evaluation."""
    splits = split_rows(run.table, run.target, run.task, (0.2, 0.2), 0)
    chosen = choose(run, splits, build, score)
    return chosen.estimator, splits, evaluate(run, chosen.estimator, splits, score, chosen=chosen)


def test_names_with_commas_between_them_are_targets() -> None:
    """A column whose own name has a comma is one."""
    assert targets_of("north, south", ["north", "south", "x"]) == ["north", "south"]
    assert targets_of("north,north", ["north"]) == ["north"]
    assert targets_of("code, old", ["code, old", "x"]) == ["code, old"]
    assert targets_of("gone", ["x"]) == ["gone"]


def test_prepared_targets_are_outputs_and_no_inputs() -> None:
    """In the order in which they were named; a request may hold them all the same."""
    prepared = prepare(TABLE.drop(columns="coin"), PARAMETERS | {"target": "south,north"})
    assert [c.name for c in prepared.signature.outputs] == ["south", "north"]
    assert [c.name for c in prepared.signature.inputs] == ["x", "z"]
    assert prepared.signature.ignored == ("south", "north")
    assert prepared.target == "south, north"


def test_a_row_without_one_of_the_targets_is_dropped() -> None:
    """It could not be learnt from as a whole."""
    table = TABLE.drop(columns="coin").copy()
    table.loc[[3, 5], "north"] = np.nan
    table.loc[5, "south"] = np.nan
    assert prepare(table, PARAMETERS).dropped["without target"] == 2


def test_targets_of_different_tasks_are_refused() -> None:
    """The sentence names the task of each."""
    mixed = pd.DataFrame({"amount": np.arange(30) / 7, "label": ["a", "b"] * 15})
    with pytest.raises(TableError, match=r"a regression of amount, a classification of label"):
        task_of_all(mixed)
    labels = pd.DataFrame({"label": ["a", "b"] * 15, "level": [1, 2] * 15})
    with pytest.raises(TableError, match="read_as=level:text"):
        task_of_all(labels)


def test_a_target_that_is_not_there_is_named() -> None:
    """With the names that come near."""
    with pytest.raises(TableError, match='no column "sout": it has south'):
        prepare(TABLE, PARAMETERS | {"target": "north,sout"})


def test_an_estimator_of_one_target_becomes_one_copy_a_target() -> None:
    """One that takes several stays as it is."""
    pipeline = build("regression", [], 0)
    assert for_targets(pipeline, ["y"]) is pipeline
    several = for_targets(pipeline, ["y", "z"])
    assert isinstance(several.steps[-1][1], MultiOutputRegressor)
    linear = make_pipeline(StandardScaler(), LinearRegression())
    assert for_targets(linear, ["y", "z"]) is linear


@pytest.mark.slow  # it fits and evaluates a model
def test_each_target_is_scored_and_compared_with_guessing(tmp_path: Path) -> None:
    """The mean of their first scores decides; each one's own stand beside it."""
    run = run_of(TABLE.drop(columns="coin"), "north,south", tmp_path)
    _, splits, evaluation = evaluated(run, build)
    found = evaluation.by_split["test"]
    assert evaluation.deciding == "r2"
    assert found["r2"] == pytest.approx((found["r2 (north)"] + found["r2 (south)"]) / 2)
    assert found["mean_absolute_error (north)"] != found["mean_absolute_error (south)"]
    assert "mean_absolute_error" not in found
    assert {look.target for look in evaluation.comparison.looks} == {"north", "south"}
    assert evaluation.comparison.is_beaten
    assert evaluation.answers.shape == (len(evaluation.unseen), 2)
    assert evaluation.summary.target == "north, south"
    assert check(run, splits) == []
    reference = msgspec.json.decode(reference_of(evaluation.answers, splits, run.facts.signature))
    assert reference.keys() == {"x", "z", "north", "south"}


@pytest.mark.slow  # it fits and evaluates a model
def test_a_model_that_guesses_one_of_its_targets_is_refused(tmp_path: Path) -> None:
    """However good it is for the other one; the sentence names the target."""
    run = run_of(TABLE.drop(columns="south"), "north,coin", tmp_path)
    _, _, evaluation = evaluated(run, lambda task, inputs, seed: LinearRegression())
    assert evaluation.comparison.unbeaten == ("coin",)
    with pytest.raises(AcceptanceError, match="by more than noise for coin"):
        check_beaten(evaluation.comparison)


@pytest.mark.slow  # it fits and evaluates a model
def test_several_labels_are_classified(tmp_path: Path) -> None:
    """By a forest, which takes several; a number beside a text would be refused by it."""
    labels = TABLE[["x", "z"]].assign(
        side=np.where(TABLE["x"] > 0, "right", "left"), level=np.where(TABLE["z"] > 0, "up", "low")
    )
    run = run_of(labels, "side,level", tmp_path)
    estimator, _, evaluation = evaluated(
        run, lambda task, inputs, seed: RandomForestClassifier(20, random_state=0)
    )
    assert evaluation.by_split["test"]["accuracy"] > 0.8
    assert run.task == "classification"
    assert set(estimator.predict(run.table[run.names])[:, 0]) == {"left", "right"}
