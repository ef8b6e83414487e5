"""Reading the prediction log, from any thread or process, while the service writes it."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from monitoring.log.database import queries
from monitoring.log.database.file import reading, size_bytes
from monitoring.log.errors import LogUnavailableError
from monitoring.log.privacy import json_text

# A page is one short read: a long one would keep the write-ahead log from being used again.
_PAGE_REQUESTS = 200
_PAGE = "SELECT * FROM requests WHERE sequence > ? ORDER BY sequence LIMIT ?"
_ID = "SELECT id FROM log"
_LAST = "SELECT coalesce(max(sequence), 0) FROM requests"
_TOTALS = "SELECT * FROM totals ORDER BY model, version, outcome"
_LEDGER = "SELECT model, version, requests, rows FROM totals WHERE outcome = 'answered'"
_LOGGED = """
SELECT model, version, sum(requests), sum(rows) FROM (
  SELECT model, version, count(*) AS requests, sum(rows) AS rows FROM requests
  GROUP BY model, version
  UNION ALL
  SELECT model, version, removed_requests, removed_rows FROM totals WHERE outcome = 'answered'
) GROUP BY model, version
"""


class Total(NamedTuple):
    """What the ledger counted for one model, version and outcome, and what retention removed."""

    model: str
    version: str
    outcome: str
    requests: int
    rows: int
    removed_requests: int
    removed_rows: int


@dataclass(frozen=True)
class Balance:
    """The two sides of the log's promise: (requests, rows) by (model, version)."""

    ledger: dict[tuple[str, str], tuple[int, int]]
    """What `totals` says was answered."""
    logged: dict[tuple[str, str], tuple[int, int]]
    """What stands in `requests`, and what retention removed from it."""

    @property
    def holds(self) -> bool:
        """Whether both sides are equal."""
        return self.ledger == self.logged


class LogReader:
    """Reads a prediction log; opens a read-only connection for each question.

    Every method raises `LogUnavailableError` where there is no readable log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()

    def totals(self) -> list[Total]:
        """Return the ledger."""
        with reading(self._path) as connection:
            return [Total(*row) for row in connection.execute(_TOTALS)]

    def size_bytes(self) -> int:
        """Return what the log takes on disk."""
        return size_bytes(self._path)

    def check(self) -> Balance:
        """Return the ledger and the rows it stands for, as of one moment. Reads the whole log."""
        with reading(self._path) as connection:
            connection.execute("BEGIN")
            ledger, logged = (
                {(model, version): (requests, rows) for model, version, requests, rows in found}
                for found in (connection.execute(_LEDGER), connection.execute(_LOGGED))
            )
            return Balance(ledger, logged)

    def export(self, after: int = 0) -> Iterator[str]:
        """Yield the requests after this sequence number, each as one line of JSON."""
        while page := self._page(after):
            yield from (_line(row) for row in page)
            after = page[-1][0]

    def follow(
        self, stop: threading.Event, *, after: int | None = None, interval_seconds: float = 0.5
    ) -> Iterator[str]:
        """Yield requests as they are logged, until `stop` is set.

        Begins after this sequence number, or with the next request. Goes on with the new file
        where the log was replaced, and waits while there is none.
        """
        log, after, page = self._next(None, after)
        while True:
            for row in page:
                yield _line(row)
                after = row[0]
            # A full page means that there is more to catch up with, unless nobody wants it.
            if stop.is_set() or (len(page) < _PAGE_REQUESTS and stop.wait(interval_seconds)):
                return
            page = []
            with contextlib.suppress(LogUnavailableError):
                log, after, page = self._next(log, after)

    def _next(self, log: str | None, after: int | None) -> tuple[str, int, list[tuple[Any, ...]]]:
        """Return the log's id, after which number to go on, and the page that follows it.

        A new log is known by its id: a new file often has the inode of the one just removed.
        """
        with reading(self._path) as connection:
            (found,) = queries.row(connection, _ID)
            if after is None:
                (after,) = queries.row(connection, _LAST)
            elif log not in (None, found):
                after = 0
            return found, after, connection.execute(_PAGE, (after, _PAGE_REQUESTS)).fetchall()

    def _page(self, after: int) -> list[tuple[Any, ...]]:
        with reading(self._path) as connection:
            return connection.execute(_PAGE, (after, _PAGE_REQUESTS)).fetchall()


def _line(row: tuple[Any, ...]) -> str:
    """Return a request as one line of JSON; the texts within are as they were stored."""
    sequence, request_id, time, model, version, rows, seconds, inputs, outputs, *more = row
    head = {
        "sequence": sequence,
        "request_id": request_id,
        "time": time,
        "model": model,
        "version": version,
        "rows": rows,
        "seconds": seconds,
    }
    # A log of an older format has no clients, and most callers came by no key.
    if any(more):
        head["client"] = more[0]
    return f'{json_text(head)[:-1]},"inputs":{_embedded(inputs)},"outputs":{_embedded(outputs)}}}'


def _embedded(text: object) -> str:
    """Return a stored JSON text on one line: between its tokens a line end is but a space."""
    return "null" if text is None else str(text).replace("\n", " ").replace("\r", " ")
