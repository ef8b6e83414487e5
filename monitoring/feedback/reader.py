"""Reading labelled rows, and answers that may be labelled later, from the prediction log."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from monitoring.log.database import queries
from monitoring.log.database.file import reading
from monitoring.log.reading.texts import BYTES, Place, places, read_texts
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
# One row, which is read at once: see `monitoring.log.reading.texts`.
_TOGETHER = """
SELECT json_group_array(json_array(sequence, row, time, value) ORDER BY sequence DESC, row DESC)
FROM ({})
"""
_ANSWERED = "SELECT time, outputs FROM requests WHERE sequence = ?"
_ENDS = "SELECT coalesce(min(sequence), 1), coalesce(max(sequence), 0) FROM requests"
# Of a request without probabilities no text is wanted.
_RECENT = f"""
SELECT json_group_array(json_array(
  sequence, rows, iif(instr(outputs, '"probabilities":{{'), {BYTES}, 0)
) ORDER BY sequence DESC) FROM requests
WHERE sequence BETWEEN ? AND ? AND model = ? AND version = ?
"""  # noqa: S608 - constants
_PAGE_REQUESTS = 1_000

_labels = msgspec.json.Decoder(list[tuple[int, int, str, str]]).decode

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
            [labels] = queries.row(connection, _TOGETHER.format(query + _NEWEST_FIRST), wanted)
            return list(_with_answers(connection, _labels(labels)))

    def newest_answers(self, model: str, version: str, rows: int) -> list[Answer]:
        """Return the answers to the newest rows, labelled or not; the newest first.

        Answers of a request that was not asked for probabilities are empty.
        """
        found: list[Answer] = []
        with reading(self._path) as connection:
            oldest, newest = queries.row(connection, _ENDS)
            last = min(newest, self._span.last)
            first = max(oldest, self._span.first, last - _LOOK_BACK_REQUESTS + 1)
            while last >= first and len(found) < rows:
                begin = max(first, last - _PAGE_REQUESTS + 1)
                [page] = queries.row(connection, _RECENT, (begin, last, model, version))
                found += _answers(connection, places(page), rows - len(found))
                last = begin - 1
        return found


def _answers(connection: apsw.Connection, page: list[Place], rows: int) -> list[Answer]:
    """Return the answers of requests, the newest first, up to so many rows."""
    until = list(accumulate((place.rows for place in page), initial=0))
    wanted = [place for place, before in zip(page, until, strict=False) if before < rows]
    told = [place for place in wanted if place.text_bytes]
    outputs = {
        request.sequence: request.outputs
        for request in read_texts(connection, told, newest_first=True)
    }
    found: list[Answer] = []
    for place in wanted:
        if place.sequence in outputs:
            found += map(msgspec.json.decode, texts(outputs[place.sequence])[::-1])
        else:
            found += [{}] * place.rows
    return found[:rows]


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
