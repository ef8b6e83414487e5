"""Takes a person's rows out of a log: every value of theirs goes, and every count stays.

A value that was erased reads as one that is hashed, always the same: statistics, labels and reports
pass such values by, as they do where a column is personal.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from monitoring.log.database.file import reading
from monitoring.log.options import LogOptions
from monitoring.log.privacy import Privacy, json_text
from monitoring.log.writing.outside import OutsideWriter

ERASED = f"hmac:{'0' * 64}"
"""What stands in place of each value that was erased: it is nobody's, and no value's hash."""

_PAGE = 50
_TEXTS = """
SELECT sequence, inputs, outputs FROM requests WHERE sequence > ? AND inputs IS NOT NULL
ORDER BY sequence LIMIT ?
"""
_REWRITE = "UPDATE requests SET inputs = ?, outputs = ? WHERE sequence = ?"
_FORGET_TRUTH = "UPDATE feedback SET value = ? WHERE sequence = ? AND row = ?"
_FORGET_LEASE = "DELETE FROM leases WHERE sequence = ? AND row = ?"
_RECORD = "INSERT INTO events (time, kind, detail, count, last) VALUES (?, ?, ?, 1, ?)"

Row = Mapping[str, Any]


class Where(NamedTuple):
    """Whose rows: those with this value in this column; given as a text, it may be a number."""

    column: str
    value: str


@dataclass
class Erased:
    """What was found, and taken out."""

    requests: int = 0
    rows: int = 0
    feedback: int = 0
    unreadable: int = 0
    """Requests whose texts are no JSON: nothing is known of what they hold."""
    is_purged: bool = True
    """Whether the write-ahead log holds none of it any more; a reader may keep it from that."""


class _Request(NamedTuple):
    sequence: int
    inputs: str
    outputs: str | None
    places: list[int]
    """The numbers of the rows to erase."""


class Finder:
    """Says whether a row is of a person.

    Args:
        wheres: All of them must hold.
        options: How the log hides values: those of a personal column are found by their hash.
    """

    def __init__(self, wheres: list[Where], options: LogOptions) -> None:
        privacy = Privacy(options)
        self._wanted = {where.column: values_of(where.value) for where in wheres}
        self._hashes = {
            name: {privacy.digest(name, value) for value in values} if options.key else set()
            for name, values in self._wanted.items()
        }

    def matches(self, row: object) -> bool:
        """Return whether a row object has every wanted value."""
        return isinstance(row, Mapping) and all(
            name in row and self._is_wanted(name, row[name]) for name in self._wanted
        )

    def _is_wanted(self, name: str, value: object) -> bool:
        if isinstance(value, str) and value in self._hashes[name]:
            return True
        return is_value(value, self._wanted[name])


def values_of(text: str) -> list[Any]:
    """Return the values that a text may stand for: itself, and the number or truth value in it."""
    found: list[Any] = [text]
    with contextlib.suppress(ValueError):
        number = float(text)
        found.append(int(number) if number.is_integer() else number)
        with contextlib.suppress(ValueError):
            # A float cannot hold every integer.
            found.append(int(text))
    truth = {"true": True, "false": False}.get(text.lower())
    return found if truth is None else [*found, truth]


def is_value(found: object, values: list[Any]) -> bool:
    """Return whether a value is one of these; 1 is not true."""
    return any(
        found == value and isinstance(found, bool) == isinstance(value, bool) for value in values
    )


def erase(
    path: Path, finder: Finder, detail: Mapping[str, object], clock: Callable[[], str]
) -> Erased:
    """Take the rows out, and record that it happened; the service may run meanwhile.

    Args:
        path: The log's.
        finder: Says which rows.
        detail: What the record says besides the counts: no value.
        clock: Returns the time, RFC 3339.

    Raises:
        LogUnavailableError: It cannot be read or written; what was erased until then is erased.
        LogFormatError: It is of an older format, or no log.
    """
    erased = Erased()
    with OutsideWriter(path) as outside:
        for found in pages(path, finder, erased):
            # Each transaction is short: predictions wait for it.
            for request in found:
                erased.feedback += outside.transact(partial(_erase, request=request))
        outside.transact(partial(_record, detail=detail, erased=erased, now=clock()))
        # What was there stays in the write-ahead log no longer.
        erased.is_purged = outside.purge()
    return erased


def count(path: Path, finder: Finder) -> Erased:
    """Return what would be erased, changing nothing.

    Raises:
        LogUnavailableError: There is no readable log.
    """
    erased = Erased()
    for _ in pages(path, finder, erased):
        pass
    return erased


def pages(path: Path, finder: Finder, erased: Erased) -> Iterator[list[_Request]]:
    """Yield the requests with a row of the person, some at a time, and count what was found.

    Raises:
        LogUnavailableError: There is no readable log.
    """
    after = 0
    with reading(path.resolve()) as connection:
        # Read whole, so that no reader stands in the way of who writes.
        while page := connection.execute(_TEXTS, (after, _PAGE)).fetchall():
            after = int(str(page[-1][0]))
            yield [found for texts in page if (found := _found(texts, finder, erased))]


def _found(texts: tuple[Any, ...], finder: Finder, erased: Erased) -> _Request | None:
    sequence, inputs, outputs = texts
    try:
        rows = _rows(msgspec.json.decode(inputs))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        erased.unreadable += 1
        return None
    places = [place for place, row in enumerate(rows) if finder.matches(row)]
    if not places:
        return None
    erased.requests += 1
    erased.rows += len(places)
    return _Request(sequence, inputs, outputs, places)


def _record(
    connection: apsw.Connection, detail: Mapping[str, object], erased: Erased, now: str
) -> None:
    counts = {"requests": erased.requests, "rows": erased.rows, "feedback": erased.feedback}
    connection.execute(_RECORD, (now, "rows-erased", json_text({**detail, **counts}), now))


def _erase(connection: apsw.Connection, request: _Request) -> int:
    """Rewrite a request without the values of its rows; return how many had a true value."""
    inputs = _without(request.inputs, request.places)
    outputs = None if request.outputs is None else _without(request.outputs, request.places)
    connection.execute(_REWRITE, (inputs, outputs, request.sequence))
    known = 0
    for place in request.places:
        connection.execute(_FORGET_TRUTH, (json_text(ERASED), request.sequence, place))
        known += connection.changes()
        connection.execute(_FORGET_LEASE, (request.sequence, place))
    return known


def _without(text: str, places: list[int]) -> str:
    document = msgspec.json.decode(text)
    rows = _rows(document)
    for place in places:
        if place < len(rows) and isinstance(rows[place], Mapping):
            rows[place] = dict.fromkeys(rows[place], ERASED)
    return json_text(rows if isinstance(document, list) else rows[0])


def _rows(document: Any) -> list[Any]:
    return document if isinstance(document, list) else [document]
