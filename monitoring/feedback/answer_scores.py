"""The scores of answered rows whose true values are known, of one output or of several."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitoring.feedback.comparison import Task, is_number, label, usable_rows
from monitoring.feedback.probabilities import LoggedProbabilities, logged_probabilities
from monitoring.feedback.reader import LabelledRow
from monitoring.feedback.scores import (
    Labels,
    classification_scores,
    interval_scores,
    log_loss,
    regression_scores,
)
from monitoring.log.privacy import is_hash

_OF_ALL = ("r2", "accuracy", "f1_macro")
"""Scores without a unit: of several outputs their mean is published, too."""


@dataclass(frozen=True)
class ScoredInterval:
    """The outputs that bound another one."""

    lower: str
    upper: str
    coverage: float
    """The share of rows whose true value should lie between them."""


@dataclass(frozen=True)
class ScoredVersion:
    """What is scored."""

    model: str
    version: str
    output: str
    """The name of its output, of several the first."""
    task: Task
    classes: frozenset[str] = frozenset()
    """The classes that it may answer with, as texts; none where they are not known."""
    each: tuple["ScoredVersion", ...] = ()
    """Of several outputs, each by itself; empty where there is one."""
    interval: ScoredInterval | None = None


def scorable(rows: Sequence[LabelledRow], of: ScoredVersion) -> list[LabelledRow]:
    """Return the rows that can be scored, in their order; of several outputs, by one at least."""
    if not of.each:
        return usable_rows(rows, of.output, of.task)
    found = {
        (row.sequence, row.row)
        for one in of.each
        for row in usable_rows(rows, one.output, one.task, named=True)
    }
    return [row for row in rows if (row.sequence, row.row) in found]


def scores_of(rows: Sequence[LabelledRow], of: ScoredVersion, min_rows: int) -> dict[str, float]:
    """Return the scores of at least one row; log loss only where most of them have probabilities.

    Otherwise it would be the score of other rows than the number of rows says. Of several outputs,
    the scores of each have its name beside them, as in `r2 (north)`.
    """
    if of.each:
        return _of_each(rows, of, min_rows)
    if of.task == "regression":
        truth = np.array([row.truth for row in rows], dtype=np.float64)
        answers = np.array([row.answer[of.output] for row in rows], dtype=np.float64)
        return regression_scores(truth, answers) | _of_interval(rows, of)
    labels = texts_of(row.truth for row in rows)
    answered = texts_of(row.answer[of.output] for row in rows)
    scores = classification_scores(labels, answered, _classes(rows, of))
    logged = logged_probabilities([row.answer for row in rows], of.output)
    if logged and is_most(logged, len(rows), min_rows):
        scores["log_loss"] = log_loss(labels[logged.places], logged.classes, logged.shares)
    return scores


def unknown_labels(rows: Sequence[LabelledRow], of: ScoredVersion) -> int:
    """Return how many labels name no class that the version may answer with."""
    if of.each:
        own = [(usable_rows(rows, one.output, one.task, named=True), one) for one in of.each]
        return sum(unknown_labels(found, one) for found, one in own)
    classes = _classes(rows, of)
    return sum(label(row.truth) not in classes for row in rows) if classes else 0


def is_most(logged: LoggedProbabilities, rows: int, min_rows: int) -> bool:
    """Return whether enough of some rows have probabilities to speak for all of them."""
    return len(logged.places) >= max(min_rows, 1, rows / 2)


def texts_of(values: Iterable[Any]) -> Labels:
    """Return classes as the texts that name them, `(rows,)`."""
    return np.array([label(value) for value in values], dtype=np.str_)


def _of_each(rows: Sequence[LabelledRow], of: ScoredVersion, min_rows: int) -> dict[str, float]:
    found: dict[str, dict[str, float]] = {}
    for one in of.each:
        own = usable_rows(rows, one.output, one.task, named=True)
        if len(own) >= max(min_rows, 1):
            found[one.output] = scores_of(own, one, min_rows)
    together = {
        name: float(np.mean([scores[name] for scores in found.values()]))
        for name in _OF_ALL
        if len(found) == len(of.each) and all(name in scores for scores in found.values())
    }
    return together | {
        f"{name} ({output})": value
        for output, scores in found.items()
        for name, value in scores.items()
    }


def _of_interval(rows: Sequence[LabelledRow], of: ScoredVersion) -> dict[str, float]:
    """Return how well the bounds of an output hold; nothing where the log has none."""
    if of.interval is None:
        return {}
    ends = [(row.answer.get(of.interval.lower), row.answer.get(of.interval.upper)) for row in rows]
    known = [place for place, pair in enumerate(ends) if all(map(is_number, pair))]
    if not known:
        return {}
    lower, upper = np.array([ends[place] for place in known], dtype=np.float64).T
    truth = np.array([rows[place].truth for place in known], dtype=np.float64)
    return interval_scores(truth, lower, upper, of.interval.coverage)


def _classes(rows: Sequence[LabelledRow], of: ScoredVersion) -> frozenset[str]:
    """Return the classes by which the rows are scored; none where they are hashes or not known."""
    return frozenset() if not rows or is_hash(rows[0].truth) else of.classes
