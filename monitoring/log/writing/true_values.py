"""True values of rows that were predicted, received later."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import apsw

from monitoring.log.database import queries
from monitoring.log.privacy import Privacy, json_text
from monitoring.log.sample import in_sample
from monitoring.log.writing.leases import Reason

_REQUEST = """
SELECT sequence, model, version, rows FROM requests WHERE request_id = ?
ORDER BY sequence DESC LIMIT 1
"""
_OUTPUTS = "SELECT name, kind FROM columns WHERE model = ? AND side = 'output' ORDER BY position"
_ANSWERED = """
SELECT key FROM requests,
  json_each(iif(json_type(outputs) = 'array', json_extract(outputs, '$[0]'), outputs))
WHERE sequence = ? AND key <> 'probabilities'
"""
_STORED = "SELECT value FROM feedback WHERE sequence = ? AND row = ?"
_COUNT = """
INSERT INTO feedback_totals (model, version, rows, asked, time, changes) VALUES (?, ?, ?, ?, ?, 1)
ON CONFLICT DO UPDATE SET rows = rows + excluded.rows, time = max(time, excluded.time),
  asked = asked + excluded.asked, changes = changes + 1
RETURNING id
"""
_ASKED = "SELECT count(*) FROM leases WHERE sequence = ? AND row = ? AND reason <> ?"
_STORE = """
INSERT INTO feedback (sequence, row, time, value, total, sample) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET time = excluded.time, value = excluded.value
"""


@dataclass(frozen=True, slots=True)
class Feedback:
    """The true value of one row of a request, counted from 0."""

    request_id: str
    row: int
    value: object
    """JSON-ready: the output's value, or an object of them by output name."""


class Verdict(StrEnum):
    """What became of a feedback."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    UNKNOWN_REQUEST = "unknown request"
    ROW_OUT_OF_RANGE = "row out of range"
    NO_NUMBER = "value is no number"
    NO_INTEGER = "value is no integer"
    NO_BOOLEAN = "value is no boolean"
    NO_TEXT = "value is no text"
    UNKNOWN_OUTPUT = "value names no output"


def store(connection: apsw.Connection, item: Feedback, privacy: Privacy, time: str) -> Verdict:
    """Store one feedback; the latest request of that id is meant, and a later value replaces."""
    request = connection.execute(_REQUEST, (item.request_id,)).fetchone()
    if request is None:
        return Verdict.UNKNOWN_REQUEST
    sequence, model, version, rows = request
    if not 0 <= item.row < rows:
        return Verdict.ROW_OUT_OF_RANGE
    kinds: dict[str, str] = dict(queries.rows(connection, _OUTPUTS, (model,)))
    if refused := _refused(item.value, kinds):
        return refused
    if not isinstance(item.value, Mapping) and len(kinds) > 1 and _is_several(connection, sequence):
        return Verdict.UNKNOWN_OUTPUT
    value = privacy.feedback(list(kinds), item.value)
    place = (sequence, item.row)
    stored = connection.execute(_STORED, place).fetchone()
    if stored and isinstance(item.value, Mapping):
        value = _merged(stored[0], value)
    if stored == (value,):
        return Verdict.UNCHANGED
    # A repeated row does not count once more; only the change does.
    [asked] = queries.row(connection, _ASKED, (*place, str(Reason.RANDOM)))
    counts = (model, version, *((1, asked) if stored is None else (0, 0)), time)
    [total] = queries.row(connection, _COUNT, counts)
    connection.execute(_STORE, (*place, time, value, total, in_sample(*place)))
    return Verdict.STORED


def _refused(value: object, kinds: Mapping[str, str]) -> Verdict | None:
    """Return why a value cannot be true of a model with these outputs, None if it can.

    The kinds are those that were declared last: a model's versions answer the same question.

    A class that the model does not know can be: the world has more of them than the training had.
    Values of outputs that are not declared, or of one of several kinds that is not named, may be
    any.
    """
    if isinstance(value, Mapping):
        if kinds and not value.keys() <= kinds.keys():
            return Verdict.UNKNOWN_OUTPUT
        verdicts = (_wrong_kind(part, kinds.get(name, "")) for name, part in value.items())
        return next(filter(None, verdicts), None)
    every = set(kinds.values())
    return _wrong_kind(value, every.pop()) if len(every) == 1 else None


def _is_several(connection: apsw.Connection, sequence: int) -> bool:
    """Return whether a request was answered with several outputs, each with a truth of its own.

    The bounds of an interval have none. Where the log keeps no answers, nobody knows.
    """
    names = [str(name) for (name,) in queries.rows(connection, _ANSWERED, (sequence,))]
    bounds = {f"{name}{end}" for name in names for end in ("_lower", "_upper")}
    return len([name for name in names if name not in bounds]) > 1


def _merged(stored: str, value: str) -> str:
    """Return the true values of a row's outputs, those that came before among them; JSON texts."""
    before, now = json.loads(stored), json.loads(value)
    both = isinstance(before, dict) and isinstance(now, dict)
    return json_text(dict(sorted((before | now).items()))) if both else value


def _wrong_kind(value: object, kind: str) -> Verdict | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "number" if not is_number:
            return Verdict.NO_NUMBER
        # 5.0 is one: a table with missing values has no other way to say 5.
        case "integer" if not is_number or (isinstance(value, float) and value % 1 != 0):
            return Verdict.NO_INTEGER
        case "boolean" if not isinstance(value, bool):
            return Verdict.NO_BOOLEAN
        case "string" | "category" | "datetime" if not isinstance(value, str):
            return Verdict.NO_TEXT
    return None
