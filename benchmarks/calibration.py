"""How often drift is called where there is none, and how often where there is.

Two problems, each trained as the notebooks train it and with the reference that they publish: the
iris, 90 rows of 4 columns, and a generated table of 20 columns of every kind. Windows are drawn
from rows with replacement, and go through JSON text as the log holds it.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ml_pipe.data_etl import recognise_column, signature_of, task_of
from ml_pipe.model_class import build_estimator
from ml_pipe.train_test_validate import reference_of, split
from model_store.columns import to_rows
from model_store.signature import Kind, Signature
from model_store.tables import conform
from monitoring.log.views import Side, ViewColumn
from monitoring.statistics import profile
from monitoring.windows.column_counts import count_columns
from monitoring.windows.columns import WindowColumn, window_columns
from monitoring.windows.drift import Drift, measure_drift
from monitoring.windows.reader import Cursor, LoggedRequest, Reading
from monitoring.windows.window import Window
from tests.mixed_table import mixed_table

SEED = 7
SHIFT = 0.5
"""In standard deviations of the column."""
_IRIS = Path(__file__).parents[1] / "examples" / "iris" / "iris.csv"
_Texts = list[tuple[str, str]]


@dataclass(frozen=True)
class Problem:
    """A model, its reference, and the rows behind it."""

    name: str
    signature: Signature
    estimator: Any
    table: pd.DataFrame
    """All rows."""
    train: pd.DataFrame
    """Those that the reference of the inputs describes."""
    profiles: dict[str, Any]

    def columns(self, profiles: dict[str, Any]) -> tuple[WindowColumn, ...]:
        """Return the columns of a window, compared with these profiles."""
        sides: tuple[tuple[Side, Any], ...] = (
            ("input", self.signature.inputs),
            ("output", self.signature.outputs),
        )
        known = [ViewColumn(c.name, c.kind, side) for side, found in sides for c in found]
        seen = {c.name: c.categories for c in self.signature if c.categories}
        return window_columns(known, profiles, seen=seen)

    def texts(self, rows: pd.DataFrame) -> _Texts:
        """Return each row as the log holds it: the inputs, and the model's answer."""
        names = [column.name for column in self.signature.inputs]
        inputs = to_rows({name: rows[name].to_numpy() for name in names}, self.signature.inputs)
        [output] = self.signature.outputs
        answers = to_rows({output.name: self.estimator.predict(rows[names])}, [output])
        return [
            (msgspec.json.encode(row).decode(), msgspec.json.encode(answer).decode())
            for row, answer in zip(inputs, answers, strict=True)
        ]


@dataclass(frozen=True)
class Quiet:
    """How often drift was called in windows like the reference, as shares of the windows."""

    problem: str
    source: str
    dataset: float
    any_column: float
    prediction: float


@dataclass(frozen=True)
class Shifted:
    """How often drift was called where one column was shifted, as shares of the windows."""

    problem: str
    column: str
    this_column: float
    other_column: float
    dataset: float


def problems() -> list[Problem]:
    """Return the two problems, trained."""
    return [
        _problem("iris", pd.read_csv(_IRIS), "variety"),
        _problem("20 columns", mixed_table(5000, SEED), "Label"),
    ]


def measure_quiet(problem: Problem, windows: int, rows: int) -> list[Quiet]:
    """Return how often drift is called without any, from two sources of windows."""
    random = np.random.default_rng(SEED)
    columns = problem.columns(problem.profiles)
    train, everything = problem.texts(problem.train), problem.texts(problem.table)
    kinds = {column.name: column.kind.value for column in problem.signature.inputs}

    def same() -> dict[Side, Drift]:
        return _drift(columns, _drawn(train, rows, random))

    def fresh() -> dict[Side, Drift]:
        # Reference and window are two samples of one population.
        sample = problem.table.iloc[random.integers(0, len(everything), len(train))]
        inputs = profile({name: sample[name].to_numpy() for name in kinds}, kinds)
        compared = problem.columns(problem.profiles | inputs)
        return _drift(compared, _drawn(everything, rows, random))

    def quiet(source: str, draw: Callable[[], dict[Side, Drift]]) -> Quiet:
        found = [draw() for _ in range(windows)]
        return Quiet(
            problem.name,
            source,
            dataset=_share(drift["input"].drifted for drift in found),
            any_column=_share(drift["input"].share > 0 for drift in found),
            prediction=_share(drift["output"].drifted for drift in found),
        )

    return [quiet("the reference's rows", same), quiet("another sample", fresh)]


def measure_shifted(problem: Problem, windows: int, rows: int) -> list[Shifted]:
    """Return how often drift is called where one column is shifted, for each that can be."""
    random = np.random.default_rng(SEED)
    columns = problem.columns(problem.profiles)
    results = []
    for column in problem.signature.inputs:
        values = problem.train[column.name]
        if column.kind not in {Kind.INTEGER, Kind.NUMBER} or not values.std():
            continue
        shift = SHIFT * values.std()
        if column.kind is Kind.INTEGER:
            shift = max(1, round(shift))
        texts = problem.texts(problem.train.assign(**{column.name: values + shift}))
        found = [_drift(columns, _drawn(texts, rows, random))["input"] for _ in range(windows)]
        drifted = [{c.name for c in drift.columns if c.drifted} for drift in found]
        results.append(
            Shifted(
                problem.name,
                column.name,
                this_column=_share(column.name in names for names in drifted),
                other_column=_share(bool(names - {column.name}) for names in drifted),
                dataset=_share(drift.drifted for drift in found),
            )
        )
    return results


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--windows", type=int, default=1000, help="how many of each sort")
    parser.add_argument("--rows", type=int, default=1000, help="in each window")
    options = parser.parse_args(arguments)
    trained = problems()
    print(f"Drift called in {options.windows:,} windows of {options.rows:,} rows without drift\n")
    print("| table | windows drawn from | dataset | any column | prediction |")
    print("| --- | --- | ---: | ---: | ---: |")
    for problem in trained:
        for quiet in measure_quiet(problem, options.windows, options.rows):
            shares = f"{quiet.dataset:.1%} | {quiet.any_column:.1%} | {quiet.prediction:.1%}"
            print(f"| {problem.name} | {quiet.source} | {shares} |")
    print(f"\nDrift called where one column is shifted by {SHIFT} of its standard deviation\n")
    print("| table | shifted | this column | any other column | dataset |")
    print("| --- | --- | ---: | ---: | ---: |")
    for problem in trained:
        for shifted in measure_shifted(problem, options.windows, options.rows):
            shares = " | ".join(
                f"{share:.1%}"
                for share in (shifted.this_column, shifted.other_column, shifted.dataset)
            )
            print(f"| {problem.name} | {shifted.column} | {shares} |")


def _problem(name: str, raw: pd.DataFrame, target: str) -> Problem:
    table = raw.apply(recognise_column)
    task = task_of(table[target])
    signature = signature_of(table, target, task)
    table = conform(table, tuple(signature))
    splits = split(table, target, task, (0.2, 0.2), SEED)
    names = [column.name for column in signature.inputs]
    train = splits["train"]
    estimator = build_estimator(task, signature.inputs, SEED).fit(train[names], train[target])
    profiles = msgspec.json.decode(reference_of(estimator, splits, signature))
    return Problem(name, signature, estimator, table, train, profiles)


def _drawn(texts: _Texts, rows: int, random: np.random.Generator) -> _Texts:
    return [texts[place] for place in random.integers(0, len(texts), rows).tolist()]


def _drift(columns: tuple[WindowColumn, ...], texts: _Texts) -> dict[Side, Drift]:
    inputs, outputs = (f"[{','.join(side)}]" for side in zip(*texts, strict=True))
    window = Window(columns, len(texts))
    window.extend(Reading(Cursor("drawn", 1), [LoggedRequest(1, inputs, outputs)], anew=True))
    return measure_drift(count_columns(window))


def _share(called: Any) -> float:
    return float(np.mean(list(called)))


if __name__ == "__main__":
    main()
