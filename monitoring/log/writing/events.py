"""What the service did, in the table `events`: bounded, and what repeats is counted."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from time import monotonic

import apsw

from monitoring.log.database import queries
from monitoring.log.options import LogOptions
from monitoring.log.privacy import Privacy, json_text
from monitoring.log.timestamps import utc_text

KEPT_OF_A_KIND = 500
"""Of each kind the newest are kept: one kind that is frequent leaves the others theirs."""
KEPT_BYTES = 4_000_000
"""What all of them may take; a sixteenth of the log's limit where that is less."""
LONGEST_DETAIL = 1_000
"""Characters of JSON text; of a longer detail the texts within are cut."""
A_MINUTE_OF_A_KIND = 200
"""More events of a kind are only counted, in an event `events-left-out`."""
COUNTING_SECONDS = 1.0
REPEATED_SECONDS = 3600.0
"""An event that repeats within this time is counted where it first stands."""

_ROW_BYTES = 100
_MINUTE_SECONDS = 60.0
_STORE = "INSERT INTO events (time, kind, detail, count, last) VALUES (?, ?, ?, ?, ?)"
_REPEATED = """
UPDATE events SET count = count + ?, last = ? WHERE sequence = (
  SELECT sequence FROM events WHERE kind = ? AND detail = ? AND last >= ?
  ORDER BY sequence DESC LIMIT 1
)
"""
_FORGET_OF_A_KIND = """
DELETE FROM events WHERE kind = :kind AND sequence <= (
  SELECT sequence FROM events WHERE kind = :kind ORDER BY sequence DESC LIMIT 1 OFFSET :kept
)
"""
_FORGET_OLDEST = """
DELETE FROM events WHERE sequence IN (
  SELECT sequence FROM (
    SELECT sequence, sum(length(detail) + :row) OVER (ORDER BY sequence DESC) AS bytes FROM events
  ) WHERE bytes > :kept
)
"""


class EventTable:
    """Stores events for the one writer of a log."""

    def __init__(self, options: LogOptions) -> None:
        self._privacy = Privacy(options)
        limit = options.max_bytes
        self._kept_bytes = KEPT_BYTES if limit is None else min(KEPT_BYTES, limit // 16)
        self._minute = 0.0
        self._of_minute: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._counted = 0.0

    @contextlib.contextmanager
    def prepare(
        self, kind: str, detail: Mapping[str, object], now: datetime, counted: int
    ) -> Iterator[Callable[[apsw.Connection], None] | None]:
        """Yield what stores an event, as `store` says; None where it is left out, and counted.

        One that could not be stored does not count: whoever tries whether it can shall hear it.
        """
        admitted = self._admits(kind)
        if not admitted and monotonic() - self._counted < COUNTING_SECONDS:
            yield None
            return
        text = self._text(detail)

        def write(connection: apsw.Connection) -> None:
            if admitted:
                self.store(connection, kind, text, now, counted)
            for other, number in self._left_out.items():
                of_kind = json_text({"kind": other})
                self.store(connection, "events-left-out", of_kind, now, number)
            self._left_out.clear()
            self._counted = monotonic()

        try:
            yield write
        except BaseException:
            self._of_minute[kind] -= 1
            raise

    def store(
        self, connection: apsw.Connection, kind: str, detail: str, now: datetime, counted: int = 0
    ) -> None:
        """Store an event.

        Args:
            connection: In a transaction.
            kind: Of the event.
            detail: Its JSON text.
            now: The time now.
            counted: How many it stands for, where an equal one is the same news: those are counted
                where the first one stands. 0: it is a deed, with a row of its own.
        """
        time = utc_text(now)
        if counted:
            since = utc_text(now - timedelta(seconds=REPEATED_SECONDS))
            connection.execute(_REPEATED, (counted, time, kind, detail, since))
            if connection.changes():
                return
        connection.execute(_STORE, (time, kind, detail, max(1, counted), time))
        self.forget(connection, kind)

    def forget_kinds(self, connection: apsw.Connection) -> None:
        """Forget what is too much of every kind, as of a log of an older format."""
        for (kind,) in queries.rows(connection, "SELECT DISTINCT kind FROM events"):
            self.forget(connection, kind)

    def forget(self, connection: apsw.Connection, kind: str) -> None:
        """Remove the oldest events of a kind beyond their number, and of all beyond their size."""
        connection.execute(_FORGET_OF_A_KIND, {"kind": kind, "kept": KEPT_OF_A_KIND})
        connection.execute(_FORGET_OLDEST, {"row": _ROW_BYTES, "kept": self._kept_bytes})

    def _admits(self, kind: str) -> bool:
        now = monotonic()
        if now - self._minute > _MINUTE_SECONDS:
            self._minute = now
            self._of_minute.clear()
        self._of_minute[kind] += 1
        if self._of_minute[kind] <= A_MINUTE_OF_A_KIND:
            return True
        self._left_out[kind] += 1
        return False

    def _text(self, detail: Mapping[str, object]) -> str:
        """Return the JSON text to store: without personal values, and not too long."""
        shown = self._privacy.detail(detail)
        text = json_text(shown)
        longest = LONGEST_DETAIL // 2
        while len(text) > LONGEST_DETAIL and longest:
            text = json_text(_cut(shown, longest))
            longest //= 2
        # Of a detail of very many parts, the beginning of its text.
        text = text if longest else json_text({"cut": text[: LONGEST_DETAIL // 2]})
        # Half a surrogate pair, as in a name from elsewhere, has no UTF-8.
        return text.encode(errors="backslashreplace").decode()


def _cut(value: object, longest: int) -> object:
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest] + "…"
    if isinstance(value, Mapping):
        return {name[:longest]: _cut(item, longest) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(item, longest) for item in value[:longest]]
    return value
