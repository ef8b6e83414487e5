"""How the log stays within its age and its size: within each commit, and in steps between them."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

import apsw

from monitoring.log.database import queries
from monitoring.log.options import LogOptions
from monitoring.log.timestamps import utc_text
from monitoring.log.writing.batch import REQUEST_BYTES

# Removing holds predictions up for about this long; requests differ too much in size to count them.
STEP_SECONDS = 0.002
_COMMIT_SECONDS = 0.001
# A step between commits takes up to so many times as long, the more there is to remove.
_LONGEST_STEP = 8
_MANY_REQUESTS = 10_000
# How often a commit looks for requests that are too old; for too many of them, whenever a share of
# the limit was written.
_LOOK_SECONDS = 1.0
_LOOK_SHARE = 128
_CHUNK_REQUESTS = 16
_CHUNK_BYTES = 256 * 1024

_FOUND = """
SELECT sequence, model, version, rows,
  coalesce(octet_length(inputs), 0) + coalesce(octet_length(outputs), 0) FROM requests
"""
_OLD = f"{_FOUND} WHERE time < ? ORDER BY time LIMIT ?"
_OLDEST = f"{_FOUND} ORDER BY sequence LIMIT ?"
_MANY_OLD = "SELECT 1 FROM requests WHERE time < ? ORDER BY time LIMIT 1 OFFSET ?"
_REMOVE = "DELETE FROM requests WHERE sequence = ?"
_COUNT = """
UPDATE totals SET removed_requests = removed_requests + ?, removed_rows = removed_rows + ?
WHERE model = ? AND version = ? AND outcome = 'answered'
"""


class Retention:
    """Removes what is too old or too much, oldest first, in the transactions of the one writer.

    Each commit removes at least as many bytes as it stores while there are too many: so the log
    stays within its size at any rate. What is then still too much, as where the limit is new or
    nothing is written, is removed in steps between commits.

    Totals are not lowered: what goes is added to their `removed`. A request is as old as its own
    time says, wherever it stands in the sequence.

    Args:
        options: The limits.
        clock: Returns the time now, with a time zone.
    """

    def __init__(self, options: LogOptions, clock: Callable[[], datetime]) -> None:
        self._days = options.retention_days
        self._limit = options.database_bytes
        self._clock = clock
        self._removing = False
        self._unlooked = 0
        self._look_at = monotonic() + _LOOK_SECONDS
        self._changed_bytes = 0

    @property
    def is_on(self) -> bool:
        """Whether there is any limit."""
        return self._days is not None or self._limit is not None

    def take_changed_bytes(self) -> int:
        """Return how much came or was removed since this was last asked."""
        changed, self._changed_bytes = self._changed_bytes, 0
        return changed

    def make_room(self, connection: apsw.Connection, coming_bytes: int) -> None:
        """Remove what is too much before so many bytes are stored, where it is time to look.

        To be called in a transaction. Damage among old requests prevents no new ones from being
        stored: they go on, and the steps between commits report it.
        """
        self._changed_bytes += coming_bytes
        if not self.is_on:
            return
        self._unlooked += coming_bytes
        look = self._limit is not None and self._unlooked > self._limit // _LOOK_SHARE
        if not (look or self._removing or monotonic() > self._look_at):
            return
        connection.execute("SAVEPOINT retention")
        try:
            _, self._removing = self._remove(connection, _COMMIT_SECONDS, 2 * coming_bytes)
        except (apsw.Error, UnicodeDecodeError):
            self._removing = False
            if not connection.in_transaction:
                # It is rolled back as a whole, as where the disk is full.
                raise
            connection.execute("ROLLBACK TO retention")
        connection.execute("RELEASE retention")

    def step(self, connection: apsw.Connection) -> bool:
        """Remove for some milliseconds, longer where there is much; return if there may be more.

        To be called in a transaction.
        """
        seconds = STEP_SECONDS * (1 + (_LONGEST_STEP - 1) * self._backlog(connection))
        removed, _ = self._remove(connection, seconds, 0)
        return bool(self._give_back(connection) or removed)

    def _backlog(self, connection: apsw.Connection) -> float:
        """Return how much there is to remove, from 0 to 1: as much as may stay, or more."""
        if self._limit is not None:
            excess = _used_bytes(connection) - self._limit
            return min(1.0, max(0.0, excess / self._limit))
        values = (self._oldest_time(), _MANY_REQUESTS)
        return 1.0 if queries.rows(connection, _MANY_OLD, values) else 0.0

    def _remove(
        self, connection: apsw.Connection, seconds: float, least_bytes: int
    ) -> tuple[int, bool]:
        """Remove for so long, and so many bytes at least; return how many, and if more remains."""
        deadline = monotonic() + seconds
        self._unlooked, self._look_at = 0, monotonic() + _LOOK_SECONDS
        # Not a few at a time whenever a few have come: that would write the same pages often.
        enough = None if self._limit is None else self._limit - self._limit // _LOOK_SHARE
        until = enough if self._removing else self._limit
        removed = _Removed()
        while chunk := self._next(connection, until):
            removed.remove(connection, chunk)
            until = enough
            if monotonic() > deadline and removed.bytes > least_bytes:
                break
        removed.count(connection)
        self._changed_bytes += removed.bytes
        return removed.bytes, bool(chunk)

    def _next(self, connection: apsw.Connection, until: int | None) -> list[queries.Row]:
        """Return some requests that have to go."""
        if self._days is not None:
            values = (self._oldest_time(), _CHUNK_REQUESTS)
            if old := queries.rows(connection, _OLD, values):
                return old
        if until is not None and _used_bytes(connection) > until:
            return queries.rows(connection, _OLDEST, (_CHUNK_REQUESTS,))
        return []

    def _oldest_time(self) -> str:
        if self._days is None:
            return ""
        return utc_text(self._clock() - timedelta(days=self._days))

    def _give_back(self, connection: apsw.Connection) -> int:
        """Return free pages to the file system where they are many, and return their number."""
        free, pages = _pragma(connection, "freelist_count"), _pragma(connection, "page_count")
        # A few free pages are kept for the next requests: giving them back would move others about.
        limit = self._limit
        too_large = limit is not None and pages * _pragma(connection, "page_size") > limit
        if free == 0 or not (too_large or free > pages // 8):
            return 0
        deadline = monotonic() + STEP_SECONDS
        returned = 0
        while returned < free and monotonic() < deadline:
            connection.execute("PRAGMA incremental_vacuum(8)").fetchall()
            returned += 8
        return returned


class _Removed:
    """What one transaction removed."""

    def __init__(self) -> None:
        self.bytes = 0
        self._requests: Counter[tuple[str, str]] = Counter()
        self._rows: Counter[tuple[str, str]] = Counter()

    def remove(self, connection: apsw.Connection, chunk: list[queries.Row]) -> None:
        """Remove these requests, or the first of them where they are large."""
        going = []
        until = self.bytes + _CHUNK_BYTES
        for sequence, model, version, rows, text_bytes in chunk:
            going.append((sequence,))
            self._requests[model, version] += 1
            self._rows[model, version] += rows
            self.bytes += text_bytes + REQUEST_BYTES
            if self.bytes > until:
                break
        connection.executemany(_REMOVE, going)

    def count(self, connection: apsw.Connection) -> None:
        """Add them to the ledger."""
        for key, number in self._requests.items():
            connection.execute(_COUNT, (number, self._rows[key], *key))


def _used_bytes(connection: apsw.Connection) -> int:
    used = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
    return used * _pragma(connection, "page_size")


def _pragma(connection: apsw.Connection, name: str) -> int:
    [value] = queries.row(connection, f"PRAGMA {name}")
    return int(value)
