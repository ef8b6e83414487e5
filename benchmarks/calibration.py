"""How often drift is called where there is none, and how often where there is.

Two problems, each trained as the notebooks train it and with the reference that they publish: the
iris, 90 rows of 4 columns, and a generated table of 20 columns of every kind. Windows are drawn
from rows with replacement, and go through JSON text as the log holds it. Then columns of few and
of many categories, and the time that an update and a scrape take.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from benchmarks.drawn_window import Texts, drawn_window
from benchmarks.update_cost import update_and_scrape
from ml_pipe.data_etl import prepare
from ml_pipe.model_class import build_estimator
from ml_pipe.runner.publication import reference_of
from ml_pipe.train_test_validate import split_rows
from model_store.schema.columns import to_rows
from model_store.schema.signature import Kind, Signature
from monitoring.log.database.views import Side, ViewColumn
from monitoring.statistics import profile
from monitoring.windows.column_counts import count_columns
from monitoring.windows.columns import WindowColumn, window_columns
from monitoring.windows.drift import Drift, measure_drift
from tests.mixed_table import mixed_table

SEED = 7
SHIFT = 0.5
"""In standard deviations of the column."""
FREQUENT = 0.2
CATEGORIES = (
    (20, 500),
    (20, 2_000),
    (100, 500),
    (100, 2_000),
    (300, 500),
    (300, 2_000),
    (2_000, 500),
    (2_000, 2_000),
    (20_000, 20_000),
)
"""Numbers of categories, each with a number of reference rows; the last are more than get names."""
_IRIS = Path(__file__).parents[1] / "examples" / "iris" / "iris.csv"


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

    def texts(self, rows: pd.DataFrame) -> Texts:
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


@dataclass(frozen=True)
class Categories:
    """How often drift was called in a column of categories, as shares of the windows."""

    categories: int
    reference_rows: int
    quiet: float
    frequent: float
    """Where one category has `FREQUENT` of the rows beside its own."""


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


def measure_categories(categories: int, reference_rows: int, windows: int, rows: int) -> Categories:
    """Return how often drift is called in a column of equally likely categories.

    Each window has a reference of its own, a sample of the same source.
    """
    random = np.random.default_rng(SEED)
    names = np.array([f"category {number}" for number in range(categories)], object)

    def is_drifted(frequent: float) -> bool:
        training, drawn = (names[random.integers(0, categories, n)] for n in (reference_rows, rows))
        drawn[random.random(rows) < frequent] = training[0]
        columns = window_columns(
            [ViewColumn("x", "category", "input")],
            profile({"x": training}, {"x": "category"}),
            seen={"x": set(training)},
        )
        texts = [(msgspec.json.encode({"x": name}).decode(), "{}") for name in drawn]
        return _drift(columns, texts)["input"].columns[0].drifted

    return Categories(
        categories,
        reference_rows,
        quiet=_share(is_drifted(0) for _ in range(windows)),
        frequent=_share(is_drifted(FREQUENT) for _ in range(windows)),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, and the cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--windows", type=int, default=1000, help="how many of each sort")
    parser.add_argument("--rows", type=int, default=1000, help="in each window")
    options = parser.parse_args(arguments)
    windows, rows = options.windows, options.rows
    trained = problems()
    print(f"Drift called in {windows:,} windows of {rows:,} rows without drift\n")
    _print_header("table", "windows drawn from", "dataset", "any column", "prediction")
    for problem in trained:
        for quiet in measure_quiet(problem, windows, rows):
            shares = (quiet.dataset, quiet.any_column, quiet.prediction)
            _print_line(quiet.problem, quiet.source, *shares)
    print(f"\nDrift called where one column is shifted by {SHIFT} of its standard deviation\n")
    _print_header("table", "shifted", "this column", "any other column", "dataset")
    for problem in trained:
        for shifted in measure_shifted(problem, windows, rows):
            shares = (shifted.this_column, shifted.other_column, shifted.dataset)
            _print_line(shifted.problem, shifted.column, *shares)
    print("\nDrift called in a column of equally likely categories\n")
    _print_header(
        "categories", "reference rows", "without drift", "one in a fifth of the rows more"
    )
    for count, reference_rows in CATEGORIES:
        found = measure_categories(count, reference_rows, windows, rows)
        _print_line(f"{count:,}", f"{reference_rows:,}", found.quiet, found.frequent)
    update, scrape = update_and_scrape()
    print(f"\n100 columns, a window of 10,000 rows: update {update:.0f} ms, scrape {scrape:.0f} ms")


def _print_header(*names: str) -> None:
    print(f"| {' | '.join(names)} |")
    print(f"| --- | --- |{' ---: |' * (len(names) - 2)}")


def _print_line(first: str, second: str, *shares: float) -> None:
    print(f"| {first} | {second} | {' | '.join(f'{share:.1%}' for share in shares)} |")


def _problem(name: str, raw: pd.DataFrame, target: str) -> Problem:
    # A constant and texts that all differ stay, as in the tables that the page shows.
    keep = [column for column in raw.columns if column != target]
    usual = {"task": "", "leave_out": [], "drop_duplicates": False, "same_columns": True}
    prepared = prepare(raw, {**usual, "target": target, "keep": keep})
    table, signature, task = prepared.table, prepared.signature, prepared.task
    splits = split_rows(table, target, task, (0.2, 0.2), SEED)
    names = [column.name for column in signature.inputs]
    train = splits["train"]
    estimator = build_estimator(task, signature.inputs, SEED).fit(train[names], train[target])
    unseen = pd.concat([splits["test"], splits["validation"]])
    answers = np.asarray(estimator.predict(unseen[names]))
    profiles = msgspec.json.decode(reference_of(answers, splits, signature))
    return Problem(name, signature, estimator, table, train, profiles)


def _drawn(texts: Texts, rows: int, random: np.random.Generator) -> Texts:
    return [texts[place] for place in random.integers(0, len(texts), rows).tolist()]


def _drift(columns: tuple[WindowColumn, ...], texts: Texts) -> dict[Side, Drift]:
    return measure_drift(count_columns(drawn_window(columns, texts)))


def _share(called: Any) -> float:
    return float(np.mean(list(called)))


if __name__ == "__main__":
    main()
