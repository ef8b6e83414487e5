"""Reading labelled rows, and answers that may be labelled later, from the prediction log."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from monitoring.log.file import reading
from monitoring.log.span import EVERYTHING, Span

# How far back, in requests of all versions and in rows of the one that is asked for, answers with
# probabilities are looked for: there is no index of them, and a read shall take milliseconds.
_LOOK_BACK_REQUESTS = 100_000
_LOOK_BACK_FACTOR = 10

_TOTALS = "SELECT model, version, rows, time FROM feedback_totals ORDER BY model, version"
_LABELLED = """
SELECT sequence, row, time, value FROM feedback
WHERE total = (SELECT id FROM feedback_totals WHERE model = ? AND version = ?) AND asked = ?
  AND sequence BETWEEN ? AND ?
ORDER BY sequence DESC, row DESC LIMIT ?
"""
_ANSWERED = "SELECT time, outputs FROM requests WHERE sequence = ?"
_RECENT = """
SELECT rows, outputs FROM requests
WHERE sequence > min((SELECT max(sequence) FROM requests), :last) - :look_back
  AND sequence BETWEEN :first AND :last AND model = :model AND version = :version
ORDER BY sequence DESC
"""

Answer = Mapping[str, Any]
"""An answered row by output name, and perhaps its `probabilities` by label."""


class FeedbackTotal(NamedTuple):
    """How many rows of a version were labelled since the log was made; it never goes down."""

    model: str
    version: str
    rows: int
    newest: datetime
    """When the last label was told."""


class LabelledRow(NamedTuple):
    """A row whose truth was told."""

    predicted: datetime
    told: datetime
    truth: Any
    answer: Answer
    sequence: int = 0
    """The request's number in the log."""
    row: int = 0


class FeedbackReader:
    """Reads what became of predictions; opens a read-only connection for each question.

    Every method raises `LogUnavailableError` where there is no readable log.

    Args:
        path: The log.
        span: Which requests are looked at; `totals` counts all.
    """

    def __init__(self, path: Path, span: Span = EVERYTHING) -> None:
        self._path = path.resolve()
        self._span = span

    def totals(self) -> list[FeedbackTotal]:
        """Return how many rows of each version were labelled."""
        with reading(self._path) as connection:
            return [
                FeedbackTotal(model, version, rows, datetime.fromisoformat(time))
                for model, version, rows, time in connection.execute(_TOTALS)
            ]

    def labelled(
        self, model: str, version: str, rows: int, *, asked: bool = False
    ) -> list[LabelledRow]:
        """Return the newest predictions that were labelled, however late; the newest first.

        Args:
            model: The model.
            version: The version.
            rows: How many rows at most.
            asked: Those that the label queue had chosen for being hard, instead of all others.
        """
        with reading(self._path) as connection:
            wanted = (model, version, asked, *self._span, rows)
            labels = connection.execute(_LABELLED, wanted).fetchall()
            found = []
            for sequence, told_of_one in groupby(labels, itemgetter(0)):
                request = connection.execute(_ANSWERED, (sequence,)).fetchone()
                # Retention may have removed it meanwhile, or its texts were not kept.
                answers = texts(request[1]) if request else []
                for _, row, told, value in told_of_one:
                    if row < len(answers):
                        found.append(
                            LabelledRow(
                                predicted=datetime.fromisoformat(request[0]),
                                told=datetime.fromisoformat(told),
                                truth=msgspec.json.decode(value),
                                answer=msgspec.json.decode(answers[row]),
                                sequence=sequence,
                                row=row,
                            )
                        )
            return found

    def with_probabilities(self, model: str, version: str, rows: int) -> list[Answer]:
        """Return the newest answers that tell probabilities, labelled or not; the newest first."""
        found: list[Answer] = []
        seen = 0
        with reading(self._path) as connection:
            wanted = {"model": model, "version": version, "look_back": _LOOK_BACK_REQUESTS}
            recent = connection.execute(_RECENT, wanted | self._span._asdict())
            for count, outputs in recent:
                if outputs and '"probabilities":{' in outputs:
                    found += map(msgspec.json.decode, texts(outputs)[: rows - len(found)])
                seen += count
                if len(found) == rows or seen >= rows * _LOOK_BACK_FACTOR:
                    break
        return found


_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode


def texts(logged: str | None) -> list[bytes | msgspec.Raw]:
    """Return the JSON text of each row of a logged text: an object, or an array of them.

    Not their values: of a request of thousands of rows a few may be wanted.
    """
    if logged is None:
        return []
    text = logged.encode()
    return [text] if text.lstrip().startswith(b"{") else [*_rows(text)]
