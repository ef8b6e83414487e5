"""Live scores: how good a version is by its labels, and an estimate where labels are missing."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np

from monitoring.feedback.answer_scores import (
    ScoredVersion,
    is_most,
    scorable,
    scores_of,
    texts_of,
    unknown_labels,
)
from monitoring.feedback.confidence import Calibration, expected_scores
from monitoring.feedback.probabilities import logged_probabilities
from monitoring.feedback.reader import FeedbackReader, FeedbackState, FeedbackTotal, LabelledRow

_NOT_SCORED = (
    "Its labels cannot be held against its answers: the log keeps them as hashes, or not at all."
)
_NOT_NAMED = (
    "Its labels cannot be held against its answers: it has several outputs, and each label must "
    "name its own, as in {{{}: ...}}; or the log keeps them as hashes, or not at all."
)


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
        usable = scorable(found, of)
        enough = len(usable) >= self._min_rows
        delays = [(row.received - row.predicted).total_seconds() for row in usable]
        scores = LiveScores(
            of,
            rows=len(usable),
            scores=scores_of(usable, of, self._min_rows) if enough else {},
            delay_seconds=float(np.median(delays)) if enough else None,
            newest=total and total.newest,
            unscored=_reason(of) if found and not usable else "",
            unknown_labels=unknown_labels(usable, of) if enough else 0,
        )
        oldest = min((row.sequence for row in found + others), default=sys.maxsize)
        return _Labels(scores, usable + scorable(others, of), oldest)

    def _estimate(self) -> Estimate | None:
        """Return the estimate of the newest answers, labelled or not: they are not a chosen sample.

        None where fewer than half of them have probabilities: older answers would describe
        another time, and callers who ask for probabilities may differ from the others.
        """
        of = self._of
        if of.task == "regression" or of.each:
            return None
        recent = self._reader.newest_answers(of.model, of.version, self._rows)
        logged = logged_probabilities(recent, of.output)
        if logged is None or not is_most(logged, len(recent), self._min_rows):
            return None
        labelled = self._labels.usable
        known = logged_probabilities([row.answer for row in labelled], of.output)
        calibration = None
        if known and known.classes == logged.classes:
            truth = texts_of(labelled[place].truth for place in known.places)
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
    usable = scorable(labelled, of)
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
            scores_of(rows, of, min_rows) if len(rows) >= max(min_rows, 1) else {},
        )
        for number, rows in sorted(groups.items())
    ]


def _reason(of: ScoredVersion) -> str:
    """Return why labels give no scores."""
    return _NOT_NAMED.format(json.dumps(of.output)) if of.each else _NOT_SCORED
