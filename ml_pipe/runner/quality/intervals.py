"""How sure a score is: its standard error, by drawing its rows again or dividing them."""

from typing import Any

import numpy as np

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.answers import Answers, Remembering, Rows
from ml_pipe.runner.quality.metrics import ScoreOf
from model_store.manifest import Task

_MOST_DRAWN_ROWS = 1000
_DRAWS = 60
_PARTS = 20


def standard_error(  # noqa: PLR0913 - what a score is of, and how the rows are drawn
    estimator: Any, known: Rows, answers: Answers, task: Task, score: ScoreOf, *, seed: int
) -> float | None:
    """Return the standard error of the first score on these rows; None where it has none.

    Few rows are drawn again, with replacement (bootstrap); many are divided into 20 parts, whose
    scores differ by what chance does. Nothing is predicted again.
    """
    rng = np.random.default_rng(seed)
    rows = len(known.inputs)
    if rows <= _MOST_DRAWN_ROWS:
        draws, shrink = [rng.integers(0, rows, rows) for _ in range(_DRAWS)], 1.0
    else:
        draws, shrink = np.array_split(rng.permutation(rows), _PARTS), float(np.sqrt(_PARTS))
    found = []
    for places in draws:
        stand_in = Remembering(estimator)
        drawn = known.inputs.iloc[places]
        stand_in.remember(drawn, answers.take(places))
        try:
            found.append(
                next(iter(score(stand_in, drawn, known.truth.iloc[places], task).values()))
            )
        except (ValueError, TableError):
            continue  # a label that is missing among the drawn rows
    finite = [value for value in found if np.isfinite(value)]
    if len(finite) <= len(draws) // 2:
        return None
    # Where all rows are right, 3 of n may be wrong all the same (the rule of three).
    return float(np.std(finite, ddof=1)) / shrink or 1.5 / rows
