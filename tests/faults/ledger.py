"""The client's own ledger: what it sent and received, to be compared with the prediction log.

A request that was answered 200 stands in the log exactly once, with the same answer and version.
One whose connection broke is unknown, and stands there at most once.
"""

import contextlib
import itertools
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from monitoring.log.reading.reader import LogReader

ANSWERED = 200


@dataclass(slots=True)
class Call:
    """One request, and what became of it."""

    request_id: str
    body: bytes
    rows: int
    sent: float
    """`time.monotonic()` when it was sent, as in `ended`."""
    ended: float = 0.0
    status: int | None = None
    """None: unknown, as the connection broke before the answer was whole."""
    answer: bytes = b""
    version: str = ""
    """What `X-Model-Version` said."""
    is_marked_unlogged: bool = False
    """Whether the answer carried `Prediction-Logged: false`."""

    def end(self, status: int, headers: Callable[[str], str | None], answer: bytes) -> None:
        """Keep the answer; `headers` gives the value of a header, or None."""
        self.ended = time.monotonic()
        self.answer = answer
        self.version = headers("X-Model-Version") or ""
        self.is_marked_unlogged = headers("Prediction-Logged") == "false"
        # Last: a call that has a status is complete.
        self.status = status


Judge = Callable[[Call], bool]
"""Says whether an answer is right: the one to its own rows, by the version that it names."""


class LoggedRow(NamedTuple):
    """What the log keeps of a request."""

    request_id: str
    model: str
    version: str
    rows: int
    inputs: bytes
    outputs: bytes


@dataclass
class Comparison:
    """A ledger compared with the log."""

    sent: int = 0
    answered: int = 0
    unlogged: int = 0
    """Answered 200 and marked `Prediction-Logged: false`."""
    unknown: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    """Other answers than 200, by status."""
    lost: int = 0
    """Answered 200, and not in the log."""
    duplicated: int = 0
    """In the log more than once."""
    mismatched: int = 0
    """In the log with another answer, version, request or number of rows."""
    wrong: int = 0
    """Answered 200, and not what the named version answers to this request."""
    unknown_but_logged: int = 0
    """In the log, though the connection broke before the answer."""
    refused_but_logged: int = 0
    """In the log, although the caller got an error."""
    unasked: int = 0
    """In the log, and never sent by this client."""

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(**{n: getattr(self, n) + getattr(other, n) for n in vars(self)})

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.duplicated or self.mismatched or self.wrong or self.unasked)


class Ledger:
    """Keeps calls; any thread may add one."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._prefix = uuid.uuid4().hex[:12]
        self._numbers = itertools.count(1)

    def next_number(self) -> int:
        """Return a number that no other call of this ledger has."""
        return next(self._numbers)

    def sending(self, number: int, body: bytes, rows: int = 1) -> Call:
        """Keep a call that is sent now; until it ended it is unknown."""
        call = Call(f"{self._prefix}-{number}", body, rows, time.monotonic())
        self.calls.append(call)
        return call

    def statuses(self, since: float = 0.0) -> Counter[int | None]:
        """Count the calls by status, of those that were sent since a moment."""
        return Counter(call.status for call in self.calls if call.sent >= since)

    def newest_version(self) -> str:
        """Return the version that answered the request that was sent last; empty if none has."""
        answered = (call.version for call in reversed(self.calls) if call.status == ANSWERED)
        return next(answered, "")

    def compare(self, logs: Iterable[Path], judge: Judge = lambda _: True) -> Comparison:
        """Compare this ledger with the log, or with the logs if one replaced another.

        Raises:
            AssertionError: the totals of a log are not the sums of its rows.
        """
        logged: dict[str, list[LoggedRow]] = {}
        for log in logs:
            balance = LogReader(log).check()
            assert balance.holds, f"{log}: totals {balance.ledger}, rows {balance.logged}"
            for row in rows_of(log):
                logged.setdefault(row.request_id, []).append(row)
        found = Comparison(sent=len(self.calls))
        for call in self.calls:
            _count(found, call, logged.pop(call.request_id, []), judge)
        found.unasked = len(logged)
        return found


def rows_of(log: Path) -> list[LoggedRow]:
    """Return what stands in a log, read by a connection that can write nothing."""
    query = "SELECT request_id, model, version, rows, inputs, outputs FROM requests"
    with contextlib.closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
        return [
            LoggedRow(name, model, version, rows, inputs.encode(), outputs.encode())
            for name, model, version, rows, inputs, outputs in connection.execute(query)
        ]


def _count(found: Comparison, call: Call, rows: list[LoggedRow], judge: Judge) -> None:
    found.duplicated += len(rows) > 1
    if call.status is None:
        found.unknown += 1
        found.unknown_but_logged += bool(rows)
        found.mismatched += any((row.inputs, row.rows) != (call.body, call.rows) for row in rows)
    elif call.status != ANSWERED:
        found.refused[call.status] += 1
        found.refused_but_logged += bool(rows)
    else:
        found.wrong += not judge(call)
        if call.is_marked_unlogged:
            found.unlogged += 1
            # It is not promised to be there, nor should it be.
            found.refused_but_logged += bool(rows)
            return
        found.answered += 1
        found.lost += not rows
        right = (call.version, call.rows, call.body, call.answer)
        found.mismatched += any(
            (row.version, row.rows, row.inputs, row.outputs) != right for row in rows
        )
