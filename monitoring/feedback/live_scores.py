"""How good a version was, once the truth came; and how good it probably is where it did not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.feedback.confidence import Calibration, expected_scores
from monitoring.feedback.reader import Answer, FeedbackReader, LabelledRow
from monitoring.feedback.scores import (
    Labels,
    Numbers,
    classification_scores,
    log_loss,
    regression_scores,
)

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
    task: Literal["classification", "regression"]


@dataclass(frozen=True)
class Estimate:
    """Scores that probabilities promise."""

    rows: int
    scores: Mapping[str, float]
    calibrated: bool
    """Whether labelled rows told what the probabilities are worth, or they count as told."""


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
    """When the last label was told, of all labels."""
    estimate: Estimate | None = None
    unscored: str = ""
    """Why labels give no scores; usually empty."""


class Period(NamedTuple):
    """The scores of the predictions of some time."""

    start: datetime
    end: datetime
    rows: int
    scores: Mapping[str, float]
    """Empty where the rows are too few."""


class Told(NamedTuple):
    """Probabilities that were told with answers."""

    classes: tuple[str, ...]
    shares: Numbers
    """Of shape `(rows, classes)`."""
    answers: NDArray[np.intp]
    """Of shape `(rows,)`: which class was answered."""
    places: list[int]
    """Which of the given answers these are: some may tell none."""


def live_scores(
    reader: FeedbackReader, of: ScoredVersion, *, rows: int, min_rows: int
) -> LiveScores:
    """Score a version on its newest labelled rows, and estimate where labels are missing.

    The newest by the prediction, so that a late label belongs to its time. Labels that the queue
    asked for because a row was hard calibrate the estimate, and are not scored: they would say that
    the model is worse than it is.

    Args:
        reader: Reads the log.
        of: What is scored.
        rows: How many rows at most, of labelled ones as of those that are estimated.
        min_rows: Of fewer rows nothing is told but how many they are.

    Raises:
        LogUnavailableError: there is no readable log.
    """
    found = reader.labelled(of.model, of.version, rows)
    asked = reader.labelled(of.model, of.version, rows, asked=True)
    newest = [total.newest for total in reader.totals() if total[:2] == (of.model, of.version)]
    usable = [row for row in found if _usable(row, of)]
    enough = len(usable) >= max(min_rows, 1)
    delays = [(row.told - row.predicted).total_seconds() for row in usable]
    estimate = None
    if of.task == "classification":
        hard = [row for row in asked if _usable(row, of)]
        recent = reader.with_probabilities(of.model, of.version, rows)
        estimate = _estimate(recent, usable + hard, of, min_rows)
    return LiveScores(
        of,
        rows=len(usable),
        scores=_scores(usable, of, min_rows) if enough else {},
        delay_seconds=float(np.median(delays)) if enough else None,
        newest=newest[0] if newest else None,
        estimate=estimate,
        unscored=_NOT_SCORED if newest and not usable and not asked else "",
    )


def scores_over_time(
    labelled: Sequence[LabelledRow], of: ScoredVersion, *, periods: int, min_rows: int
) -> list[Period]:
    """Score predictions in so many periods of equal length, the oldest first.

    Args:
        labelled: The rows, as `FeedbackReader.labelled` gives them.
        of: Whose they are.
        periods: How many; a period without rows is left out.
        min_rows: A period of fewer rows tells only how many they are.
    """
    usable = [row for row in labelled if _usable(row, of)]
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
    if of.task == "regression":
        truth = np.array([row.truth for row in rows], dtype=np.float64)
        answers = np.array([row.answer[of.output] for row in rows], dtype=np.float64)
        return regression_scores(truth, answers)
    labels = _labels(row.truth for row in rows)
    scores = classification_scores(labels, _labels(row.answer[of.output] for row in rows))
    told = _told([row.answer for row in rows], of.output)
    if told and len(told.places) >= max(min_rows, 1):
        scores["log_loss"] = log_loss(labels[told.places], told.classes, told.shares)
    return scores


def _estimate(
    recent: Sequence[Answer], labelled: Sequence[LabelledRow], of: ScoredVersion, min_rows: int
) -> Estimate | None:
    """Return what the newest answers promise, labelled or not: a sample that nobody has chosen."""
    told = _told(recent, of.output)
    if told is None or len(told.places) < max(min_rows, 1):
        return None
    known = _told([row.answer for row in labelled], of.output)
    calibration = None
    if known and known.classes == told.classes:
        truth = _labels(labelled[place].truth for place in known.places)
        calibration = Calibration.fit(truth, known.classes, known.shares)
    shares = calibration(told.shares) if calibration else told.shares
    scores = expected_scores(shares, told.answers)
    return Estimate(len(told.places), scores, calibrated=calibration is not None)


def _told(answers: Sequence[Answer], output: str) -> Told | None:
    """Return the probabilities of those answers that tell them; None where none does."""
    places = [
        place
        for place, answer in enumerate(answers)
        if isinstance(answer.get("probabilities"), Mapping) and answer.get(output) is not None
    ]
    if not places:
        return None
    classes = tuple(sorted(answers[places[0]]["probabilities"]))
    codes = {label: code for code, label in enumerate(classes)}
    # A version always tells the same labels; what an answer has beside them is not its own.
    places = [
        place
        for place in places
        if codes.keys() == answers[place]["probabilities"].keys()
        and _label(answers[place][output]) in codes
    ]
    shares = [[answers[place]["probabilities"][label] for label in classes] for place in places]
    answered = [codes[_label(answers[place][output])] for place in places]
    if not places:
        return None
    return Told(
        classes, np.array(shares, dtype=np.float64), np.array(answered, dtype=np.intp), places
    )


def _usable(row: LabelledRow, of: ScoredVersion) -> bool:
    """Tell whether a truth and an answer can be held against each other.

    Labels that are hashed can: equal labels have equal hashes. Numbers cannot.
    """
    values = (row.truth, row.answer.get(of.output))
    if of.task == "regression":
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return all(isinstance(value, str | int | float) for value in values)


def _labels(values: Iterable[Any]) -> Labels:
    return np.array([_label(value) for value in values], dtype=np.str_)


def _label(value: Any) -> str:
    """Return a label as the text that stands for it where probabilities are told."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
