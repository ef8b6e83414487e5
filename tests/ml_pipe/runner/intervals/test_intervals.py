"""An interval: asked for, fitted, compiled, evaluated; it holds as often as it should."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ml_pipe.data_etl import prepare
from ml_pipe.runner.choosing.choose import choose
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.evaluation import evaluate
from ml_pipe.runner.intervals.conformal import ConformalInterval
from ml_pipe.runner.intervals.interval_evaluation import interval_scores
from ml_pipe.runner.intervals.with_interval import with_interval
from ml_pipe.runner.loading import RunData
from ml_pipe.train_test_validate import score, split_rows
from model_store.compile.compiling import compile_estimator
from model_store.compile.onnx_predictor import OnnxPredictor
from model_store.golden import golden_rows
from model_store.predictor import EstimatorPredictor
from model_store.schema.signature import Column, Interval, Kind, Signature
from tests.ml_pipe.runner.prepared_run import run_from

RNG = np.random.default_rng(0)
ROWS = 600
TABLE = pd.DataFrame({"x": RNG.uniform(1, 5, ROWS), "z": RNG.normal(size=ROWS)}).assign(
    # The spread grows with x: one width for all rows would be wrong for most.
    demand=lambda table: 10 * table["x"] + table["x"] * RNG.normal(size=ROWS)
)
PARAMETERS = {
    "target": "demand",
    "task": "",
    "leave_out": [],
    "drop_duplicates": False,
    "same_columns": True,
    "interval": 0.8,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than they bring on a few rows."""
    with threadpool_limits(1):
        yield


def run_of(table: pd.DataFrame, folder: Path, **parameters: Any) -> RunData:
    """Return a run as the first notebook leaves it."""
    return run_from(prepare(table, PARAMETERS | parameters), folder)


def build(task: str, inputs: Any, seed: int) -> Any:
    """Return a boosted model behind a scaler."""
    boosted = HistGradientBoostingRegressor(max_iter=30, early_stopping=False, random_state=seed)
    return Pipeline([("scale", StandardScaler()), ("model", boosted)])


def test_the_signature_has_the_bounds_and_the_coverage() -> None:
    """The training table has no such columns."""
    signature = prepare(TABLE, PARAMETERS).signature
    assert [c.name for c in signature.outputs] == ["demand", "demand_lower", "demand_upper"]
    assert signature.interval == Interval(
        of="demand", lower="demand_lower", upper="demand_upper", coverage=0.8
    )
    assert [c.name for c in signature.trained] == ["x", "z", "demand"]
    assert prepare(TABLE, PARAMETERS | {"interval": 0.0}).signature.interval is None


@pytest.mark.parametrize(
    ("parameters", "table", "reason"),
    [
        ({"interval": 90.0}, TABLE, "There is no interval=90"),
        ({"interval": -0.1}, TABLE, "There is no interval=-0.1"),
        ({"target": "demand,z"}, TABLE, "of one target"),
        ({"task": "classification"}, TABLE.assign(demand=RNG.integers(0, 3, ROWS)), "have probab"),
        ({}, TABLE.assign(demand_lower=TABLE["x"] * 2), 'answered as "demand_lower"'),
    ],
)
def test_an_interval_that_cannot_be_is_refused(
    parameters: dict[str, Any], table: pd.DataFrame, reason: str
) -> None:
    """Before anything is trained."""
    with pytest.raises(TableError, match=reason):
        prepare(table, PARAMETERS | parameters)


def test_bounds_that_are_no_outputs_are_no_signature() -> None:
    """A manifest may come from anywhere."""
    x, y = (Column(name=name, kind=Kind.NUMBER) for name in "xy")
    right: dict[str, Any] = {"of": "y", "lower": "l", "upper": "u", "coverage": 0.9}
    for changes in ({"lower": "gone"}, {"lower": "y"}, {"coverage": 1.0}, {"of": "x"}):
        interval = Interval(**(right | changes))
        outputs = (y, *(Column(name=name, kind=Kind.NUMBER) for name in "lu"))
        with pytest.raises(ValueError, match="an interval"):
            Signature(inputs=(x,), outputs=outputs, interval=interval)


def test_too_few_rows_for_a_coverage_are_refused(tmp_path: Path) -> None:
    """Of 60 rows none shows what is beyond 99 of 100."""
    run = run_of(TABLE[:60], tmp_path, interval=0.99)
    splits = split_rows(run.table, run.target, run.task, (0.2, 0.2), 0)
    with pytest.raises(TableError, match=r"coverage of 0\.99 needs at least 198 training rows"):
        choose(run, splits, build, score)


def test_the_interval_holds_whatever_the_models_are_like() -> None:
    """Models of quantiles that know nothing are moved until they hold; the amount is within."""
    nothing = DummyRegressor(strategy="constant", constant=0.0)
    fitted = ConformalInterval(LinearRegression(), nothing, nothing, 0.8).fit(
        TABLE[["x", "z"]], TABLE["demand"]
    )
    other = np.random.default_rng(1)
    x = other.uniform(1, 5, 4000)
    rows = pd.DataFrame({"x": x, "z": other.normal(size=4000)})
    answers = fitted.predict(rows)
    found = interval_scores(10 * x + x * other.normal(size=4000), answers[:, 1:], 0.8)
    assert 0.75 < found["coverage"] < 0.9
    assert ((answers[:, 1] <= answers[:, 0]) & (answers[:, 0] <= answers[:, 2])).all()


def test_an_estimator_that_is_no_pipeline_has_bounds_of_one_width() -> None:
    """It may take columns that boosted trees do not; a boosted one learns the quantiles itself."""
    signature = prepare(TABLE, PARAMETERS).signature
    whole = TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler())
    fitted = with_interval(whole, signature, ROWS, 0).fit(TABLE[["x", "z"]], TABLE["demand"])
    amount, lower, upper = fitted.predict(TABLE[["x", "z"]]).T
    assert np.ptp(upper - lower) < 1.0
    assert (
        interval_scores(TABLE["demand"].to_numpy(), np.column_stack([lower, upper]), 0.8)[
            "coverage"
        ]
        > 0.75
    )
    assert ((lower <= amount) & (amount <= upper)).all()
    boosted = with_interval(HistGradientBoostingRegressor(max_depth=2), signature, ROWS, 0)
    assert (boosted.lower.quantile, boosted.lower.max_depth) == (pytest.approx(0.1), 2)


def test_the_score_of_an_interval_punishes_width_and_misses() -> None:
    """By hand: a width of 2 twice, and one miss of 1 at a tenth outside, which counts 20."""
    found = interval_scores(np.array([1.0, 3.0]), np.array([[0.0, 2.0], [0.0, 2.0]]), 0.9)
    assert found == pytest.approx({"coverage": 0.5, "interval_score": 12.0, "interval_width": 2.0})


@pytest.mark.slow  # it fits three models, and each again for each part
def test_an_interval_is_chosen_evaluated_and_compiled(tmp_path: Path) -> None:
    """Its width follows the spread of the rows; both forms answer the same three columns."""
    run = run_of(TABLE, tmp_path)
    splits = split_rows(run.table, run.target, run.task, (0.2, 0.2), 0)
    chosen = choose(run, splits, build, score)
    evaluation = evaluate(run, chosen.estimator, splits, score, chosen=chosen)
    found = evaluation.by_split["test"]
    assert evaluation.deciding == "r2"
    assert 0.65 < found["coverage"] < 0.95
    assert found["interval_score"] < evaluation.guessed["interval_score"]
    assert evaluation.answers.shape == (len(evaluation.unseen), 3)
    assert evaluation.summary.interval.startswith("80 % of the true values should lie within")
    assert evaluation.warnings == ()
    answers = chosen.estimator.predict(pd.DataFrame({"x": [1.2, 4.8], "z": [0.0, 0.0]}))
    assert answers[1, 2] - answers[1, 1] > 1.2 * (answers[0, 2] - answers[0, 1])

    signature = run.facts.signature
    golden = golden_rows(chosen.estimator, signature, run.table[run.names])
    assert golden.outputs[0].keys() == {"demand", "demand_lower", "demand_upper"}
    compilation = compile_estimator(chosen.estimator, signature, golden)
    assert compilation.reason == ""
    assert compilation.compiled
    compiled = OnnxPredictor(compilation.graph, signature, compilation.compiled)
    columns = {name: run.table[name].to_numpy() for name in run.names}
    expected, _ = EstimatorPredictor(chosen.estimator, signature).predict(columns)
    assert np.allclose(compiled.predict(columns)[0], expected)


@pytest.mark.slow  # it fits three models, and each again for each part
def test_an_interval_that_does_not_hold_is_warned_of(tmp_path: Path) -> None:
    """As where the newest rows are of another kind."""
    is_early = np.arange(ROWS) < 360
    later = np.where(is_early, TABLE["demand"], 400.0 + TABLE["z"])
    run = run_of(TABLE.assign(demand=later), tmp_path)
    table = run.table
    splits = {"train": table[:360], "test": table[360:480], "validation": table[480:]}
    chosen = choose(run, splits, build, score)
    evaluation = evaluate(run, chosen.estimator, splits, score, chosen=chosen)
    assert any("lie within the interval, and 80 % should" in each for each in evaluation.warnings)
