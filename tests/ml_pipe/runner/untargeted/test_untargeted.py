"""Models without true values: what they answer, and when they are better than guessing."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.untargeted.detector import AnomalyDetector
from ml_pipe.runner.untargeted.judging import judge, number_of_clusters
from ml_pipe.runner.untargeted.made_up import shuffled_columns, spread_rows
from ml_pipe.runner.untargeted.preparing import answered, prepare
from model_store.schema.signature import Kind
from tests.ml_pipe.runner.prepared_run import run_from

ANOMALIES = {"task": "anomaly-detection"}
CLUSTERS = {"task": "clustering"}


def table(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """Return three groups of rows on one line, far from each other."""
    random = np.random.default_rng(seed)
    x = random.choice([0.0, 10.0, 20.0], rows) + random.normal(0, 0.5, rows)
    return pd.DataFrame({"x": x, "y": 2 * x + random.normal(0, 0.5, rows)})


def run_of(frame: pd.DataFrame, parameters: dict[str, str], folder: Path) -> RunData:
    """Return what `load` gives for a table."""
    return run_from(prepare(frame, parameters), folder)


def detector(share: float = 0.02) -> Pipeline:
    """Return an unfitted detector of 20 trees."""
    forest = IsolationForest(n_estimators=20, random_state=0)
    return Pipeline([("scale", StandardScaler()), ("model", AnomalyDetector(forest, share))])


def clusters(count: int) -> Pipeline:
    """Return unfitted clusters."""
    means = KMeans(n_clusters=count, n_init=2, random_state=0)
    return Pipeline([("scale", StandardScaler()), ("model", means)])


def judged(frame: pd.DataFrame, parameters: dict[str, str], estimator: Any, folder: Path) -> Any:
    """Return what is found of an estimator on three parts of a table."""
    run = run_of(frame, parameters, folder)
    thirds = np.array_split(run.table.index, 3)
    estimator.fit(run.table.loc[thirds[0], run.names])
    run = answered(run, estimator)
    names = ("train", "test", "validation")
    return judge(
        run, estimator, {n: run.table.loc[t] for n, t in zip(names, thirds, strict=True)}, seed=0
    )


def test_a_score_is_the_share_of_rows_that_are_less_unusual() -> None:
    """Whatever the detector's own scores mean; above the share, a row is an anomaly."""
    frame = table(500)
    model = detector(share=0.1).fit(frame)
    answers = model.predict(frame)
    flags, scores = answers[:, 0].astype(bool), answers[:, 1].astype(float)
    assert {type(value) for value in answers[0]} == {bool, float}
    assert abs(np.mean(scores) - 0.5) < 0.01
    assert np.mean(flags) == pytest.approx(0.1, abs=0.01)
    assert (flags == (scores > 0.9)).all()
    is_odd, score = model.predict(pd.DataFrame({"x": [1000.0], "y": [-1000.0]}))[0]
    assert is_odd
    assert 0.95 < score <= 1


def test_what_a_table_without_a_target_is_to_answer(tmp_path: Path) -> None:
    """Its outputs stand in it, empty until a model answers its rows."""
    frame = table().assign(name=[f"row {place}" for place in range(200)], same=1)
    run = run_of(frame, ANOMALIES, tmp_path)
    assert run.names == ["x", "y"]
    kinds = {column.name: column.kind for column in run.facts.signature.outputs}
    assert kinds == {"anomaly": Kind.BOOLEAN, "anomaly_score": Kind.NUMBER}
    assert run.facts.signature.ignored == ("name", "same")
    filled = answered(run, detector().fit(run.table[run.names]))
    assert 0 < filled.table["anomaly"].sum() < 10
    groups = run_of(table(), CLUSTERS, tmp_path)
    filled = answered(groups, clusters(3).fit(groups.table[groups.names]))
    (output,) = filled.facts.signature.outputs
    assert (output.name, output.minimum, output.maximum) == ("cluster", 0.0, 2.0)
    assert set(filled.table["cluster"]) == {0, 1, 2}


def test_anomalies_are_found_where_columns_hold_together(tmp_path: Path) -> None:
    """Rows that were made up are more unusual than real ones, with hardly a doubt."""
    found = judged(table(), ANOMALIES, detector(), tmp_path)
    assert found.by_split["test"]["auc_of_made_up_rows"] > 0.8
    assert found.comparison.is_beaten
    assert found.answers.shape == (len(found.unseen), 2)


def test_anomalies_in_noise_are_no_better_than_guessing(tmp_path: Path) -> None:
    """Of columns whose values are all alike, no row is more unusual than another."""
    noise = pd.DataFrame(np.random.default_rng(1).uniform(size=(300, 2)), columns=["x", "y"])
    found = judged(noise, ANOMALIES, detector(), tmp_path)
    assert not found.comparison.is_beaten


@pytest.mark.slow  # the clusters of 20 shuffled tables
def test_groups_are_found_where_there_are_some(tmp_path: Path) -> None:
    """As many as there are, further apart than groups of shuffled columns."""
    assert number_of_clusters(clusters(2), table(), seed=0) == 3
    found = judged(table(), CLUSTERS, clusters(3), tmp_path)
    assert found.by_split["test"]["silhouette"] > 0.8
    assert found.comparison.is_beaten
    (look,) = found.comparison.looks
    assert look.guess < look.model


@pytest.mark.slow  # the clusters of 20 shuffled tables
def test_groups_in_noise_are_no_better_than_guessing(tmp_path: Path) -> None:
    """A model finds groups in anything; in noise they are no better than in shuffled noise."""
    noise = pd.DataFrame(np.random.default_rng(1).normal(size=(300, 3)), columns=["x", "y", "z"])
    assert not judged(noise, CLUSTERS, clusters(3), tmp_path).comparison.is_beaten


def test_made_up_rows_have_the_columns_values_and_nothing_else() -> None:
    """Kinds and ranges stay; what held the columns together is gone."""
    frame = table().assign(
        kind=np.array(["a", "b"] * 100, dtype=object),
        flag=[True, False] * 100,
        when=pd.date_range("2026-01-01", periods=200).astype("datetime64[us]"),
        gap=[float("nan"), 1.0] * 100,
        scan=pd.Series([np.full((2, 2), place % 7, "uint8") for place in range(200)], dtype=object),
    )
    made = spread_rows(frame, 500, seed=0)
    assert made.dtypes.to_dict() == frame.dtypes.to_dict()
    assert set(made["kind"]) == {"a", "b"}
    scans = np.stack(list(made["scan"]))
    assert scans.shape == (500, 2, 2)
    assert str(scans.dtype) == "uint8"
    assert scans.max() == 6
    assert frame["x"].min() <= made["x"].min() < made["x"].max() <= frame["x"].max()
    assert abs(made["x"].corr(made["y"])) < 0.2
    shuffled = shuffled_columns(frame, seed=0)
    assert sorted(shuffled["x"]) == sorted(frame["x"])
    assert abs(shuffled["x"].corr(shuffled["y"])) < 0.3


WRONG = {
    "a task with a target": (table(), {"task": "regression"}, "anomaly-detection or clustering"),
    "too few rows": (table(30), ANOMALIES, "at least 50"),
    "a column of the answer's name": (table().assign(anomaly=1), ANOMALIES, "rename it"),
    "nothing to learn from": (
        pd.DataFrame({"same": [1] * 100}),
        CLUSTERS,
        "no column to learn from",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_table_that_cannot_be_learnt_is_refused(name: str) -> None:
    """With what to do."""
    frame, parameters, sentence = WRONG[name]
    with pytest.raises(TableError, match=sentence):
        prepare(frame, parameters)
