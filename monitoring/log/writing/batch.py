"""The answered and failed requests that are logged in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Self

import apsw

from monitoring.log.database.queries import row
from monitoring.log.privacy import Privacy
from monitoring.log.timestamps import utc_text

Outcome = Literal["answered", "failed"]

REQUEST_BYTES = 300
"""What a request takes beside its texts: its other columns, and its places in two indexes."""

# The JSON texts come as bytes: from a text, Python would make bytes again for SQLite.
_INSERT = """
INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?)
"""
_COUNT = """
INSERT INTO totals (model, version, outcome, requests, rows) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, rows = rows + excluded.rows
"""
_WITHDRAW = "DELETE FROM requests WHERE sequence > ?"


class Entry(NamedTuple):
    """One request: what was received, what was answered.

    A failed one is counted, and leaves no row in `requests`.
    """

    request_id: str
    time: datetime
    """When it arrived, with a time zone."""
    model: str
    version: str
    outcome: Outcome
    rows: int
    seconds: float
    inputs: bytes
    """JSON text of a row object or an array of them, UTF-8: the inputs by their names."""
    outputs: bytes
    """JSON text as answered, in the same shape; empty where it failed."""
    client: str = ""
    """The name of the key by which the caller came; empty: by none."""


class Ledger(NamedTuple):
    """How many requests a log has counted since it was made."""

    requests: int
    answered: int
    """The greatest sequence number given so far."""

    @classmethod
    def read(cls, connection: apsw.Connection) -> Self:
        """Return the ledger of a log."""
        query = """
        SELECT coalesce(sum(requests), 0),
          coalesce(sum(requests) FILTER (WHERE outcome = 'answered'), 0) FROM totals
        """
        requests, answered = row(connection, query)
        return cls(requests, answered)


class Batch:
    """What one transaction stores, made ready before the log is locked."""

    def __init__(self, entries: Sequence[Entry], privacy: Privacy) -> None:
        self._rows: list[tuple[object, ...]] = []
        self._counts: dict[tuple[str, str, Outcome], tuple[int, int]] = {}
        for entry in entries:
            key = (entry.model, entry.version, entry.outcome)
            requests, rows = self._counts.get(key, (0, 0))
            self._counts[key] = requests + 1, rows + entry.rows
            if entry.outcome == "answered":
                self._rows.append(
                    (
                        entry.request_id,
                        utc_text(entry.time),
                        entry.model,
                        entry.version,
                        entry.rows,
                        entry.seconds,
                        privacy.inputs(entry.inputs),
                        privacy.outputs(entry.outputs),
                        entry.client or None,
                    )
                )
        self._requests = len(entries)
        self.bytes = sum(REQUEST_BYTES + len(e.inputs) + len(e.outputs) for e in entries)
        """What it takes in the log, about."""

    def insert(self, connection: apsw.Connection, before: Ledger) -> None:
        """Store the rows, numbered on from the ledger, and count them."""
        numbered = [(number, *row) for number, row in enumerate(self._rows, before.answered + 1)]
        connection.executemany(_INSERT, numbered)
        connection.executemany(_COUNT, [(*key, *counts) for key, counts in self._counts.items()])

    def withdraw(self, connection: apsw.Connection, before: Ledger) -> None:
        """Undo `insert`."""
        connection.execute(_WITHDRAW, (before.answered,))
        counts = [(*key, -requests, -rows) for key, (requests, rows) in self._counts.items()]
        connection.executemany(_COUNT, counts)

    def counted(self, before: Ledger) -> Ledger:
        """Return the ledger after this batch."""
        return Ledger(before.requests + self._requests, before.answered + len(self._rows))


def kept(entry: Entry, privacy: Privacy) -> dict[str, str | int | None]:
    """Return what a log would keep of a request, to be kept elsewhere while it cannot."""
    inputs, outputs = privacy.inputs(entry.inputs), privacy.outputs(entry.outputs)
    found: dict[str, str | int | None] = {
        "request_id": entry.request_id,
        "model": entry.model,
        "version": entry.version,
        "rows": entry.rows,
        "inputs": None if inputs is None else inputs.decode(),
        "outputs": None if outputs is None else outputs.decode(),
    }
    return found | {"client": entry.client} if entry.client else found
