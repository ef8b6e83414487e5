"""A log of a classifier and of a regression, with labels, for the tests of feedback."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitoring.feedback.answer_scores import ScoredVersion
from monitoring.log.options import LogOptions
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.log.writing.true_values import Feedback
from tests.monitoring.conftest import NOON

FRUIT = ScoredVersion("fruit", "v1", "fruit", "classification")
PRICE = ScoredVersion("price", "v1", "price", "regression")


class LabelledLog(PredictionLog):
    """A log whose clock a test sets, with short calls to write it."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, LogOptions(**options), lambda: self.now)
        self.now = NOON

    def later(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def answered(
        self, request_id: str, *answers: Mapping[str, Any], of: ScoredVersion = FRUIT
    ) -> None:
        """Log a request with these answers, now; the input of each row is its number."""
        inputs = [{"x": number} for number in range(len(answers))]
        sides = (inputs, answers)
        asked, answered = (json.dumps(side, separators=(",", ":")).encode() for side in sides)
        names = (request_id, self.now, of.model, of.version)
        self.write([Entry(*names, "answered", len(answers), 0.001, asked, answered)])

    def label(self, request_id: str, *truths: Any) -> None:
        """Add the true values of the first rows of a request, now."""
        self.add_feedback(Feedback(request_id, row, value) for row, value in enumerate(truths))


def fruits(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return answers of these fruits: P is a plum, M a melon."""
    return [{"fruit": {"P": "Plum", "M": "Melon"}[name]} for name in names]


def sure(fruit: str, share: float) -> dict[str, Any]:
    """Return an answer of a fruit with its probability."""
    other = {"Plum": "Melon", "Melon": "Plum"}[fruit]
    return {"fruit": fruit, "probabilities": {fruit: share, other: 1 - share}}


def moment(**after: float) -> datetime:
    """Return a time after noon."""
    return NOON + timedelta(**after)
