"""Live scores: how good a version is by its labels, and an estimate where labels are missing."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from monitoring.feedback.comparison import Task, label, usable_rows
from monitoring.feedback.confidence import Calibration, expected_scores
from monitoring.feedback.probabilities import LoggedProbabilities, logged_probabilities
from monitoring.feedback.reader import FeedbackReader, FeedbackState, FeedbackTotal, LabelledRow
from monitoring.feedback.scores import (
    Labels,
    classification_scores,
    log_loss,
    regression_scores,
)
from monitoring.log.privacy import is_hash

_NOT_SCORED = (
    "Its labels cannot be held against its answers: the log keeps them as hashes, or not at all."
)


@dataclass(frozen=True)
class ScoredVersion:
    """What is scored."""

    model: str
    version: str
    output: str
    """The name of its output."""
    task: Task
    classes: frozenset[str] = frozenset()
    """The classes that it may answer with, as texts; none where they are not known."""


@dataclass(frozen=True)
class Estimate:
    """Scores estimated from probabilities."""

    rows: int
    scores: Mapping[str, float]
    calibrated: bool
    """Whether labelled rows calibrated the probabilities; else they count as they are."""


@dataclass(frozen=True)
class LiveScores:
    """How good a version is by its newest labelled rows."""

    of: ScoredVersion
    rows: int = 0
    """Labelled rows that were scored."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """By the names that the notebooks use; empty where the rows are too few."""
    delay_seconds: float | None = None
    """The median time from a prediction to its label."""
    newest: datetime | None = None
    """When the last label was received, of all labels."""
    estimate: Estimate | None = None
    unscored: str = ""
    """Why labels give no scores; usually empty."""
    unknown_labels: int = 0
    """How many of the scored labels name no class that the version may answer with."""


class Period(NamedTuple):
    """The scores of the predictions of one period."""

    start: datetime
    end: datetime
    rows: int
    scores: Mapping[str, float]
    """Empty where the rows are too few."""


class _Labels(NamedTuple):
    """The scores of a version's labels."""

    scores: LiveScores
    """Without an estimate."""
    usable: list[LabelledRow]
    """The rows that were scored, and those that only calibrate."""
    oldest: int
    """The smallest request number among them."""


class LiveScorer:
    """Scores a version repeatedly, and reads its labels only when they may have changed.

    Args:
        reader: Reads the log.
        of: What is scored.
        rows: How many rows at most, of labelled ones as of those that are estimated.
        min_rows: Below this many rows only their number is published.
    """

    def __init__(
        self, reader: FeedbackReader, of: ScoredVersion, *, rows: int, min_rows: int
    ) -> None:
        self._reader = reader
        self._of = of
        self._rows = rows
        self._min_rows = max(min_rows, 1)
        self._seen: tuple[str, FeedbackTotal | None] | None = None
        self._labels = _Labels(LiveScores(of), [], 0)
        self._scores = LiveScores(of)
        self._is_due = False

    def score(self, log: FeedbackState, *, answered: bool = True) -> LiveScores:
        """Score the version on its newest labelled rows, and estimate where labels are missing.

        The newest by the prediction, so that a late label belongs to its time.

        Args:
            log: The state of the log now.
            answered: Whether there may be new predictions. Without, and without new labels, the
                scores are those of before.

        Raises:
            LogUnavailableError: there is no readable log.
        """
        of = self._of
        seen = (log.log, next((t for t in log.totals if t[:2] == (of.model, of.version)), None))
        # Kept, so that what is due and cannot be read now is read the next time.
        self._is_due |= answered
        if seen != self._seen or log.first > self._labels.oldest:
            self._is_due = True
            self._labels = self._read_labels(seen[1])
            self._seen = seen
        if self._is_due:
            self._scores = replace(self._labels.scores, estimate=self._estimate())
            self._is_due = False
        return self._scores

    def _read_labels(self, total: FeedbackTotal | None) -> _Labels:
        of = self._of
        found = self._reader.labelled(of.model, of.version, self._rows)
        others = self._reader.labelled(of.model, of.version, self._rows, scored=False)
        usable = usable_rows(found, of.output, of.task)
        enough = len(usable) >= self._min_rows
        delays = [(row.received - row.predicted).total_seconds() for row in usable]
        scores = LiveScores(
            of,
            rows=len(usable),
            scores=_scores(usable, of, self._min_rows) if enough else {},
            delay_seconds=float(np.median(delays)) if enough else None,
            newest=total and total.newest,
            unscored=_NOT_SCORED if found and not usable else "",
            unknown_labels=_unknown(usable, of) if enough else 0,
        )
        oldest = min((row.sequence for row in found + others), default=sys.maxsize)
        return _Labels(scores, usable + usable_rows(others, of.output, of.task), oldest)

    def _estimate(self) -> Estimate | None:
        """Return the estimate of the newest answers, labelled or not: they are not a chosen sample.

        None where fewer than half of them have probabilities: older answers would describe
        another time, and callers who ask for probabilities may differ from the others.
        """
        of = self._of
        if of.task == "regression":
            return None
        recent = self._reader.newest_answers(of.model, of.version, self._rows)
        logged = logged_probabilities(recent, of.output)
        if logged is None or not _most(logged, len(recent), self._min_rows):
            return None
        labelled = self._labels.usable
        known = logged_probabilities([row.answer for row in labelled], of.output)
        calibration = None
        if known and known.classes == logged.classes:
            truth = _texts(labelled[place].truth for place in known.places)
            calibration = Calibration.fit(truth, known.classes, known.shares)
        shares = calibration(logged.shares) if calibration else logged.shares
        scores = expected_scores(shares, logged.answers)
        return Estimate(len(logged.places), scores, calibrated=calibration is not None)


def live_scores(
    reader: FeedbackReader, of: ScoredVersion, *, rows: int, min_rows: int
) -> LiveScores:
    """Score a version once: see `LiveScorer`."""
    return LiveScorer(reader, of, rows=rows, min_rows=min_rows).score(reader.state())


def scores_over_time(
    labelled: Sequence[LabelledRow], of: ScoredVersion, *, periods: int, min_rows: int
) -> list[Period]:
    """Score predictions in so many periods of equal length, the oldest first.

    Args:
        labelled: The rows, as `FeedbackReader.labelled` gives them.
        of: Whose they are.
        periods: How many; a period without rows is left out.
        min_rows: A period of fewer rows has only their number.
    """
    usable = usable_rows(labelled, of.output, of.task)
    if not usable:
        return []
    first = min(row.predicted for row in usable)
    length = (max(row.predicted for row in usable) - first) / periods
    groups: dict[int, list[LabelledRow]] = {}
    for row in usable:
        # The last moment belongs to the last period.
        number = min(int((row.predicted - first) / length), periods - 1) if length else 0
        groups.setdefault(number, []).append(row)
    return [
        Period(
            first + number * length,
            first + (number + 1) * length,
            len(rows),
            _scores(rows, of, min_rows) if len(rows) >= max(min_rows, 1) else {},
        )
        for number, rows in sorted(groups.items())
    ]


def _scores(rows: Sequence[LabelledRow], of: ScoredVersion, min_rows: int) -> dict[str, float]:
    """Return the scores of at least one row; log loss only where most of them have probabilities.

    Otherwise it would be the score of other rows than the number of rows says.
    """
    if of.task == "regression":
        truth = np.array([row.truth for row in rows], dtype=np.float64)
        answers = np.array([row.answer[of.output] for row in rows], dtype=np.float64)
        return regression_scores(truth, answers)
    labels = _texts(row.truth for row in rows)
    answered = _texts(row.answer[of.output] for row in rows)
    scores = classification_scores(labels, answered, _classes(rows, of))
    logged = logged_probabilities([row.answer for row in rows], of.output)
    if logged and _most(logged, len(rows), min_rows):
        scores["log_loss"] = log_loss(labels[logged.places], logged.classes, logged.shares)
    return scores


def _most(logged: LoggedProbabilities, rows: int, min_rows: int) -> bool:
    return len(logged.places) >= max(min_rows, 1, rows / 2)


def _classes(rows: Sequence[LabelledRow], of: ScoredVersion) -> frozenset[str]:
    """Return the classes by which the rows are scored; none where they are hashes or not known."""
    return frozenset() if not rows or is_hash(rows[0].truth) else of.classes


def _unknown(rows: Sequence[LabelledRow], of: ScoredVersion) -> int:
    classes = _classes(rows, of)
    return sum(label(row.truth) not in classes for row in rows) if classes else 0


def _texts(values: Iterable[Any]) -> Labels:
    return np.array([label(value) for value in values], dtype=np.str_)
