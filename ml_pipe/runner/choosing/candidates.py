"""Several estimators, compared on the training rows: the simplest that is about as good wins."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.answers import Rows
from ml_pipe.runner.quality.cross_validation import cross_validate
from ml_pipe.runner.quality.metrics import ScoreOf
from ml_pipe.runner.run.boosters import BOOSTERS
from ml_pipe.runner.run.progress import doing
from ml_pipe.runner.summary import Candidate
from model_store.manifest import Task, measured

SIMPLEST_FIRST = ("linear", "tree", "forest", "boosting", *BOOSTERS)
"""Those of the template; others count as less simple, in the order in which they are named."""


def compare_candidates(  # noqa: PLR0913 - what is compared, on which rows, by what
    estimators: dict[str, Any],
    known: Rows,
    parts: list[tuple[Any, Any]],
    task: Task,
    score: ScoreOf,
    *,
    say: Callable[[str], None] = print,
) -> list[Candidate]:
    """Return the leaderboard, the best first, with the one that is chosen.

    Args:
        estimators: unfitted ones, by name.
        known: the training rows.
        parts: those of a cross-validation of these.
        task: what is predicted.
        score: its first value decides.
        say: is called with a line about each as soon as it is done.

    Raises:
        TableError: a candidate cannot be copied, and so not be compared.
    """
    board = []
    for place, (name, estimator) in enumerate(estimators.items(), start=1):
        doing(f"candidate {place} of {len(estimators)}: {name}")
        began = time.perf_counter()
        found = cross_validate(estimator, known, parts, task, score)
        if found is None:
            raise TableError(f'The candidate "{name}" cannot be cloned: choose among others.')
        seconds = time.perf_counter() - began
        board.append(Candidate(name=name, score=found.mean, error=found.error, seconds=seconds))
        value = measured("", found.mean, found.error)
        say(f"{place} of {len(estimators)}: {name} {value}, {seconds:.1f} s")
    board.sort(key=lambda each: -each.score)
    winner = simplest(board, list(estimators))
    return [msgspec.structs.replace(each, chosen=each.name == winner) for each in board]


def simplest(board: Sequence[Candidate], names: Sequence[str]) -> str:
    """Return the simplest candidate within one standard error of the best.

    Args:
        board: the candidates, the best first.
        names: theirs, in the order in which they were named.
    """
    best = board[0]
    good = [each.name for each in board if each.score >= best.score - best.error]
    order = {name: place for place, name in enumerate((*SIMPLEST_FIRST, *names)[::-1])}
    return max(good, key=lambda name: order[name])
