"""Reading labelled rows, and answers that may be labelled later, from the prediction log."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from monitoring.log.database import queries
from monitoring.log.database.file import reading
from monitoring.log.span import EVERYTHING, Span

# How far back, in requests of all versions, answers are looked for: there is no index of them by
# version, and a read must take milliseconds.
_LOOK_BACK_REQUESTS = 100_000

_TOTALS = """
SELECT model, version, rows, time, asked, changes FROM feedback_totals ORDER BY model, version
"""
_TOTAL = "SELECT id, asked FROM feedback_totals WHERE model = ? AND version = ?"
_BEGINNING = """
SELECT id, coalesce((SELECT min(sequence) FROM requests), 9223372036854775807) FROM log
"""
_LABELLED = """
SELECT sequence, row, time, value FROM feedback
WHERE total = :total AND sample = {} AND sequence BETWEEN :first AND :last
"""
# The two are merged in the index's order, so that no more is read than is wanted.
_OTHERS, _SAMPLE = (_LABELLED.format(number) for number in (0, 1))
_ALL = f"{_OTHERS} UNION ALL {_SAMPLE}"
_NEWEST_FIRST = "ORDER BY sequence DESC, row DESC LIMIT :rows"
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
    """The feedback of a version since the log was made; no number of it goes down."""

    model: str
    version: str
    rows: int
    newest: datetime
    """When the last label was received."""
    asked: int
    """How many of these rows the label queue had given out as hard ones."""
    changes: int
    """Number of labels received, corrections included: it changes whenever a label does."""


class FeedbackState(NamedTuple):
    """The state of a log without its labels: shows whether one that was read may have changed."""

    log: str
    """The id of the log's file."""
    first: int
    """The smallest request number that is left; beyond all numbers where none is."""
    totals: Sequence[FeedbackTotal]
    """The feedback of each version since the log was made."""


class LabelledRow(NamedTuple):
    """A row with its true value."""

    predicted: datetime
    received: datetime
    truth: Any
    answer: Answer
    sequence: int = 0
    """The request's number in the log."""
    row: int = 0


class FeedbackReader:
    """Reads labels and answers; opens a read-only connection for each query.

    Every method raises `LogUnavailableError` where there is no readable log.

    Args:
        path: The log.
        span: The requests that are read; the totals count all.
    """

    def __init__(self, path: Path, span: Span = EVERYTHING) -> None:
        self._path = path.resolve()
        self._span = span

    def state(self) -> FeedbackState:
        """Return where the log begins, and how many rows of each version were labelled."""
        with reading(self._path) as connection:
            log, first = queries.row(connection, _BEGINNING)
            totals = [
                FeedbackTotal(model, version, rows, datetime.fromisoformat(time), asked, changes)
                for model, version, rows, time, asked, changes in connection.execute(_TOTALS)
            ]
        return FeedbackState(log, first, totals)

    def labelled(
        self, model: str, version: str, rows: int, *, scored: bool = True
    ) -> list[LabelledRow]:
        """Return the newest predictions that were labelled, however late; the newest first.

        Where the log keeps no answers, they are empty.

        Args:
            model: The model.
            version: The version.
            rows: How many rows at most.
            scored: Those that speak for all rows: all of them while no label came for a row
                that the label queue gave out as a hard one, from then on only those of the random
                sample. If false, the others.
        """
        with reading(self._path) as connection:
            total = connection.execute(_TOTAL, (model, version)).fetchone()
            if total is None:
                return []
            number, asked = total
            if asked:
                query = _SAMPLE if scored else _OTHERS
            elif scored:
                query = _ALL
            else:
                return []
            wanted = {"total": number, "rows": rows} | self._span._asdict()
            labels = queries.rows(connection, query + _NEWEST_FIRST, wanted)
            return list(_with_answers(connection, labels))

    def newest_answers(self, model: str, version: str, rows: int) -> list[Answer]:
        """Return the answers to the newest rows, labelled or not; the newest first.

        Answers of a request that was not asked for probabilities are empty.
        """
        found: list[Answer] = []
        with reading(self._path) as connection:
            wanted = {"model": model, "version": version, "look_back": _LOOK_BACK_REQUESTS}
            recent = connection.execute(_RECENT, wanted | self._span._asdict())
            for count, outputs in recent:
                room = rows - len(found)
                if outputs and '"probabilities":{' in outputs:
                    found += map(msgspec.json.decode, texts(outputs)[::-1][:room])
                else:
                    found += [{}] * min(count, room)
                if len(found) == rows:
                    break
        return found


def _with_answers(
    connection: apsw.Connection, labels: Iterable[tuple[int, int, str, str]]
) -> Iterator[LabelledRow]:
    for sequence, labels_of_request in groupby(labels, itemgetter(0)):
        request = connection.execute(_ANSWERED, (sequence,)).fetchone()
        # Retention may have removed it meanwhile.
        if request is None:
            continue
        predicted, outputs = request
        answers = texts(outputs)
        for _, row, received, value in labels_of_request:
            yield LabelledRow(
                predicted=datetime.fromisoformat(predicted),
                received=datetime.fromisoformat(received),
                truth=msgspec.json.decode(value),
                answer=msgspec.json.decode(answers[row]) if answers else {},
                sequence=sequence,
                row=row,
            )


_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode


def texts(logged: str | None) -> list[bytes | msgspec.Raw]:
    """Return the JSON text of each row of a logged text: an object, or an array of them.

    Not their values: of a request of thousands of rows a few may be wanted.
    """
    if logged is None:
        return []
    text = logged.encode()
    return [text] if text.lstrip().startswith(b"{") else [*_rows(text)]
