"""Boosted trees of LightGBM, XGBoost and CatBoost: rounds by other rows, and whatever labels."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_pipe.model_class import build_estimator
from ml_pipe.runner.choosing.choose import choose
from ml_pipe.runner.choosing.early_stopping import stopped_early
from ml_pipe.runner.errors import PipelineError, TableError
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.answers import Rows
from ml_pipe.runner.run.boosters import BOOSTERS, booster_package, check_installed, with_booster
from ml_pipe.runner.table.prepared_table import Facts
from ml_pipe.train_test_validate import score
from model_store.boosters.table_booster import rounds_parameter
from model_store.manifest import Task
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.schema.signature import Column

RNG = np.random.default_rng(0)
ROWS = 400
INPUTS = pd.DataFrame(
    {
        "x": pd.Series(RNG.normal(size=ROWS)).mask(RNG.random(ROWS) < 0.1),
        "kind": pd.Categorical(RNG.choice(list("pqrst"), ROWS)),
        "flag": pd.Series(RNG.random(ROWS) < 0.5).astype("boolean").mask(RNG.random(ROWS) < 0.1),
        "seen": pd.date_range("2026-01-01", periods=ROWS, freq="h"),
    }
).assign(kind=lambda table: table["kind"].mask(RNG.random(ROWS) < 0.1))
RAW = INPUTS["x"].fillna(0) + 2 * INPUTS["kind"].astype(str).isin(["p", "q"])
NOISY = RAW + RNG.normal(size=ROWS)
LABELS = pd.Series(np.digitize(NOISY, [0, 1.5])).map({0: "low", 1: "mid", 2: "high"})


def build(task: Task, inputs: Sequence[Column], seed: int, candidate: str) -> Any:
    """Return what the second notebook builds, of one thread: others may be at work beside."""
    estimator = build_estimator(task, inputs, seed, candidate)
    name = "thread_count" if candidate == "catboost" else "n_jobs"
    known = f"model__estimator__{name}"
    return estimator.set_params(**{known: 1} if known in estimator.get_params() else {})


def run_of(folder: Path, truth: "pd.Series[Any]", task: Any) -> tuple[RunData, dict[str, Any]]:
    """Return a run on the table with this target, and its splits."""
    known = pd.DataFrame({"y": truth.astype("category") if task == "classification" else truth})
    signature = infer_signature(INPUTS, known)
    table = conform(INPUTS, signature.inputs).assign(y=truth.to_numpy())
    facts = Facts(
        model="m",
        task=task,
        target="y",
        source="m.csv",
        fingerprint="",
        dropped={},
        remarks=[],
        signature=signature,
    )
    splits = {"train": table[:240], "test": table[240:320], "validation": table[320:]}
    return RunData(table, facts, folder), splits


@pytest.mark.slow  # the packages take a second to be imported
@pytest.mark.parametrize("name", BOOSTERS)
def test_a_booster_learns_labels_of_text(name: str, tmp_path: Path) -> None:
    """From categories, gaps, flags and dates; the validation rows say when it stops."""
    run, splits = run_of(tmp_path, LABELS, "classification")
    chosen = choose(run, splits, build, score, booster=name)
    assert chosen.estimator.score(splits["test"][run.names], splits["test"]["y"]) > 0.5
    assert set(chosen.estimator.predict(splits["test"][run.names])) <= {"low", "mid", "high"}
    (note,) = chosen.notes
    trees = chosen.estimator[-1].estimator
    kind = type(trees).__name__
    rounds = trees.get_params()[rounds_parameter(trees)]
    assert (
        note
        == f"{kind} stopped early: {rounds} of at most 500 rounds, the best on the validation rows."
    )
    assert 1 <= rounds < 300
    assert chosen.on_validation
    assert chosen.candidates == ()


@pytest.mark.slow  # the packages take a second to be imported
@pytest.mark.parametrize("name", BOOSTERS)
def test_a_booster_learns_amounts(name: str, tmp_path: Path) -> None:
    """And gives the same model again for the same seed and rows."""
    run, splits = run_of(tmp_path, NOISY, "regression")
    chosen, again = (choose(run, splits, build, score, booster=name) for _ in range(2))
    rows = splits["test"][run.names]
    assert chosen.estimator.score(rows, splits["test"]["y"]) > 0.3
    assert np.array_equal(chosen.estimator.predict(rows), again.estimator.predict(rows))


@pytest.mark.slow  # the packages take a second to be imported
def test_boosters_are_candidates_among_others(tmp_path: Path) -> None:
    """Each stops by itself, and its settings can be searched."""
    run, splits = run_of(tmp_path, LABELS, "classification")
    chosen = choose(
        run,
        splits,
        build,
        score,
        candidates=["linear", "lightgbm"],
        search='{"lightgbm": {"num_leaves": [4, 8]}}',
    )
    assert {each.name for each in chosen.candidates} == {"linear", "lightgbm"}
    assert chosen.notes[0].startswith("lightgbm: LGBMClassifier stopped early: ")
    board = {each.name: each for each in chosen.candidates}
    assert board["lightgbm"].settings["num_leaves"] in {"4", "8"}
    # The validation rows had a say in the trees alone.
    assert chosen.on_validation == board["lightgbm"].chosen


@pytest.mark.slow  # the package takes a second to be imported
def test_few_rows_stop_by_some_of_the_training_rows(tmp_path: Path) -> None:
    """So that all others stay unseen."""
    run, splits = run_of(tmp_path, LABELS, "classification")
    known, validation = (
        Rows(splits[name][run.names][:70], splits[name]["y"][:70]) for name in ("train", "test")
    )
    estimator = build("classification", run.inputs, 0, "lightgbm")
    _, note, by_validation = stopped_early(estimator, known, validation, 0)
    assert note.endswith("the best on a fifth of the training rows.")
    assert not by_validation


def test_another_estimator_is_left_alone() -> None:
    """And no package of the three is imported for it."""
    rows = Rows(pd.DataFrame({"x": [0.0]}), pd.Series([0.0]))
    assert stopped_early("any", rows, rows, 0) == ("any", "", False)


def test_a_booster_and_candidates_are_two_wishes(tmp_path: Path) -> None:
    """Which one is meant is for the user to say."""
    run, splits = run_of(tmp_path, LABELS, "classification")
    with pytest.raises(TableError, match="booster=xgboost takes one"):
        choose(run, splits, build_estimator, score, candidates=["linear"], booster="xgboost")


def test_a_model_named_as_a_booster_is_one() -> None:
    """Where no booster is named besides; any other name is a name."""
    assert with_booster({"model": "lightgbm", "seed": 8}) == {"booster": "lightgbm", "seed": 8}
    named = {"model": "xgboost", "booster": "catboost"}
    assert with_booster(named) == named
    assert with_booster({"model": "prices"}) == {"model": "prices"}


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the commands that install it."""
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(TableError, match="lightgbm is not installed: `make boosters` installs"):
        booster_package("lightgbm")


@pytest.mark.parametrize("values", [{"booster": "xgboost"}, {"candidates": ["linear", "xgboost"]}])
def test_a_missing_package_is_named_before_anything_is_trained(
    values: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run asks for it by its parameters."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(PipelineError, match=r"xgboost is not installed: .*, xgboost-cpu [(]else"):
        check_installed(values)
    check_installed({"booster": "forest", "candidates": []})
