"""How the log stays within its age and its size, a small step at a time."""

from collections import Counter
from datetime import datetime, timedelta
from time import monotonic

import apsw

from monitoring.log.database import queries
from monitoring.log.options import LogOptions
from monitoring.log.timestamps import utc_text

# A step holds predictions up for about this long; requests differ too much in size to count them.
STEP_SECONDS = 0.002
_STEP_REQUESTS = 100

_OLD = "SELECT sequence FROM requests WHERE time < ? ORDER BY time LIMIT ?"
_OLDEST = "SELECT sequence FROM requests ORDER BY sequence LIMIT ?"
_REMOVE = "DELETE FROM requests WHERE sequence = ? RETURNING model, version, rows"
_COUNT = """
UPDATE totals SET removed_requests = removed_requests + ?, removed_rows = removed_rows + ?
WHERE model = ? AND version = ? AND outcome = 'answered'
"""


def remove_step(connection: apsw.Connection, options: LogOptions, now: datetime) -> bool:
    """Remove some requests that are too old or too many; return whether there may be more.

    To be called in a transaction. Totals are not lowered: what goes is added to their `removed`.
    A request is as old as its own time says, wherever it stands in the sequence.
    """
    removed = 0
    if options.retention_days is not None:
        limit = utc_text(now - timedelta(days=options.retention_days))
        old = queries.rows(connection, _OLD, (limit, _STEP_REQUESTS))
        removed = _remove(connection, old, None)
    if options.max_bytes is not None and not removed:
        oldest = queries.rows(connection, _OLDEST, (_STEP_REQUESTS,))
        removed = _remove(connection, oldest, options.max_bytes)
    return bool(_give_back(connection, options.max_bytes) or removed)


def _remove(
    connection: apsw.Connection, sequences: list[queries.Row], max_bytes: int | None
) -> int:
    """Remove these requests until the step is over or the log small enough; return how many."""
    deadline = monotonic() + STEP_SECONDS
    requests: Counter[tuple[str, str]] = Counter()
    rows: Counter[tuple[str, str]] = Counter()
    for (sequence,) in sequences:
        if max_bytes is not None and _used_bytes(connection) <= max_bytes:
            break
        model, version, count = queries.row(connection, _REMOVE, (sequence,))
        requests[model, version] += 1
        rows[model, version] += count
        if monotonic() > deadline:
            break
    for key, number in requests.items():
        connection.execute(_COUNT, (number, rows[key], *key))
    return requests.total()


def _give_back(connection: apsw.Connection, max_bytes: int | None) -> int:
    """Return free pages to the file system where they are many, and return their number."""
    free, pages = _pragma(connection, "freelist_count"), _pragma(connection, "page_count")
    # A few free pages are kept for the next requests: giving them back would move others about.
    too_large = max_bytes is not None and pages * _pragma(connection, "page_size") > max_bytes
    if free == 0 or not (too_large or free > pages // 8):
        return 0
    deadline = monotonic() + STEP_SECONDS
    returned = 0
    while returned < free and monotonic() < deadline:
        # For more than one page at a time SQLite answers with rows, and Python asks for one only.
        connection.execute("PRAGMA incremental_vacuum(1)")
        returned += 1
    return returned


def _used_bytes(connection: apsw.Connection) -> int:
    used = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
    return used * _pragma(connection, "page_size")


def _pragma(connection: apsw.Connection, name: str) -> int:
    [value] = queries.row(connection, f"PRAGMA {name}")
    return int(value)
