"""Reading the newest rows of a version from the prediction log, a page at a time."""

import sys
from pathlib import Path
from typing import NamedTuple

import apsw

from monitoring.log.database import queries
from monitoring.log.database.file import reading
from monitoring.log.reading.texts import BYTES, LoggedRequest, Place, places, read_texts
from monitoring.log.span import EVERYTHING, Span
from monitoring.log.writing.batch import Ledger

# One statement looks at so many requests, whoever's they are: there is no index by version, which
# every prediction would pay for. A long read would keep the write-ahead log from being used again.
_PAGE_REQUESTS = 1000

LOOK_BACK_REQUESTS = 100_000
"""How far back rows are looked for. Rows of a version that answers one request in a hundred still
fill a window of 1,000; to look so far takes a fraction of a second, once after each start."""

_START = "SELECT id, (SELECT min(sequence) FROM requests) FROM log"
_PAGE = f"""
SELECT json_group_array(json_array(sequence, rows, {BYTES}) ORDER BY sequence DESC) FROM requests
WHERE sequence > ? AND sequence <= ? AND model = ? AND version = ? AND inputs IS NOT NULL
"""  # noqa: S608 - constants


class Cursor(NamedTuple):
    """Up to where a log was read."""

    log: str = ""
    """The id of the log's file: another file counts its requests from one again."""
    sequence: int = 0
    oldest: int = sys.maxsize
    """The least number of a request that was found, beyond all numbers while none was."""


class Reading(NamedTuple):
    """What was found after a cursor."""

    cursor: Cursor
    """Where to go on."""
    requests: list[LoggedRequest]
    """The oldest first."""
    anew: bool
    """Whether what was found before counts no more: it was another log's, or was removed."""


class WindowReader:
    """Reads the newest rows of one version of a model; opens a connection for each reading."""

    def __init__(
        self,
        path: Path,
        model: str,
        version: str,
        *,
        look_back: int = LOOK_BACK_REQUESTS,
        span: Span = EVERYTHING,
    ) -> None:
        self._path = path.resolve()
        self._look_back = look_back
        self._span = span
        self._version = (model, version)

    def read(self, after: Cursor, rows: int) -> Reading:
        """Return the newest requests after a cursor that together have `rows` rows, if there are.

        Requests whose texts were not kept are passed over. Texts of little more than `rows` rows
        are in memory at once.

        Raises:
            LogUnavailableError: there is no readable log.
        """
        with reading(self._path) as connection:
            return self._read(connection, after, rows)

    def _read(self, connection: apsw.Connection, after: Cursor, rows: int) -> Reading:
        log, first = queries.row(connection, _START)
        # Not the greatest number there is: retention may remove the newest request.
        last = Ledger.read(connection).answered
        first = last + 1 if first is None else first
        # A log that ends before the cursor took back what it held, and gives its numbers again.
        # Of what retention removed nothing shall be seen: what is left is read again.
        anew = log != after.log or last < after.sequence or after.oldest < first
        if anew:
            after = Cursor(log)
        start = after.sequence
        last = min(last, self._span.last)
        start = max(start, first - 1, self._span.first - 1, last - self._look_back)
        wanted = self._newest(connection, start, last, rows)
        requests = list(read_texts(connection, wanted))
        oldest = min([after.oldest, *(place.sequence for place in wanted[:1])])
        return Reading(Cursor(log, last, oldest), requests, anew)

    def _newest(self, connection: apsw.Connection, start: int, last: int, rows: int) -> list[Place]:
        """Return the newest requests in a range, ascending, up to `rows` rows."""
        wanted: list[Place] = []
        while last > start and rows > 0:
            begin = max(start, last - _PAGE_REQUESTS)
            [page] = queries.row(connection, _PAGE, (begin, last, *self._version))
            for place in places(page):
                if rows <= 0:
                    break
                wanted.append(place)
                rows -= place.rows
            last = begin
        return wanted[::-1]
