"""What the answers depend on: how much the score falls when a column is shuffled, on a budget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml_pipe.runner.quality.answers import Remembering, answers_of
from model_store.schema.arrays.array_cells import holds_arrays

MOST_ROWS = 500
_REPEATS = 3
_CELLS = 30_000_000
"""How many values the estimator is given in all; of many columns, fewer rows are shuffled."""
_CELLS_AT_ONCE = 3_000_000
_FEWEST_ROWS = 30
_SECONDS = 15.0
"""What it may take by what a row took before; of a slow estimator, fewer rows are shuffled."""


@dataclass(frozen=True)
class Importance:
    """How much the score falls."""

    falls: Mapping[str, float]
    """By column, most important first."""
    remark: str = ""
    """What was left out to stay within the budget; a sentence, mostly empty."""


def importance_of(  # noqa: PLR0913 - the last is what is known of the estimator
    estimator: Any,
    inputs: pd.DataFrame,
    truth: "pd.Series[Any]",
    seed: int,
    score: Callable[..., Mapping[str, float]],
    *,
    seconds_per_row: float = 0.0,
) -> Importance:
    """Return how much the first score falls when a column is shuffled, most important column first.

    Args:
        estimator: a fitted one.
        inputs: `(rows, columns)`, of which at most 500 rows are used.
        truth: the true values, `(rows,)`.
        seed: which rows these are, and how they are shuffled.
        score: returns the scores of estimator, inputs and truth.
        seconds_per_row: how long one prediction of many took.
    """
    rng = np.random.default_rng(seed)
    width, numbers = len(inputs.columns), _numbers(inputs)
    rows, repeats = _within_budget(len(inputs), (width, numbers), seconds_per_row)
    chosen = rng.permutation(len(inputs))[:rows]
    sample, values = inputs.iloc[chosen], truth.iloc[chosen]
    remembering = Remembering(estimator)
    remembering.ask(sample)
    whole = _first(score(remembering, sample, values))
    jobs = [(name, rng.permutation(rows)) for name in inputs.columns for _ in range(repeats)]
    falls: dict[str, list[float]] = {str(name): [] for name in inputs.columns}
    at_once = max(1, _CELLS_AT_ONCE // max(rows * numbers, 1))
    for start in range(0, len(jobs), at_once):
        part = jobs[start : start + at_once]
        # Many small calls would cost far more than one large one.
        answers = answers_of(estimator, _shuffled(sample, part))
        for place, (name, _) in enumerate(part):
            stand_in = Remembering(estimator)
            stand_in.remember(sample, answers.take(np.arange(rows) + place * rows))
            falls[str(name)].append(whole - _first(score(stand_in, sample, values)))
    means = {name: float(np.mean(found)) for name, found in falls.items()}
    remark = ""
    if rows < min(MOST_ROWS, len(inputs)) or repeats < _REPEATS:
        remark = (
            f"The importance of the {width} columns is from {rows} rows, shuffled {repeats} "
            f"{'time' if repeats == 1 else 'times'}: more would take too long."
        )
    return Importance(dict(sorted(means.items(), key=lambda item: -item[1])), remark)


def _numbers(inputs: pd.DataFrame) -> int:
    """Return how many values a row has: one a column, but those of arrays by their size."""
    firsts = [inputs[n].dropna().iloc[:1] for n in inputs if holds_arrays(inputs[n])]
    return len(inputs.columns) + sum(int(cell.size) - 1 for first in firsts for cell in first)


def _within_budget(rows: int, sizes: tuple[int, int], seconds_per_row: float) -> tuple[int, int]:
    """Return how many rows are shuffled, and how often.

    Args:
        rows: how many there are.
        sizes: of how many columns and of how many values a row is.
        seconds_per_row: how long one prediction of many took.
    """
    width, numbers = sizes
    rows = min(rows, MOST_ROWS)
    most = _CELLS / max(width * numbers, 1)
    if seconds_per_row > 0:
        most = min(most, _SECONDS / (seconds_per_row * max(width, 1)))
    repeats = int(np.clip(most // max(rows, 1), 1, _REPEATS))
    return max(min(rows, int(most) // repeats), min(rows, _FEWEST_ROWS)), repeats


def _shuffled(sample: pd.DataFrame, jobs: list[tuple[Any, np.ndarray]]) -> pd.DataFrame:
    """Return copies of the rows, one below the other, each with another column shuffled."""
    rows = len(sample)
    whole = sample.take(np.tile(np.arange(rows), len(jobs))).reset_index(drop=True)
    orders: dict[Any, np.ndarray] = {}
    for place, (name, order) in enumerate(jobs):
        places = orders.setdefault(name, np.tile(np.arange(rows), len(jobs)))
        places[place * rows : (place + 1) * rows] = order
    shuffled = {name: sample[name].take(order).array for name, order in orders.items()}
    return whole.assign(**{str(name): array for name, array in shuffled.items()})


def _first(scores: Mapping[str, float]) -> float:
    return float(next(iter(scores.values())))
