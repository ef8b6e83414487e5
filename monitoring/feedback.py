"""True values, told later, for rows that were predicted."""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from monitoring.privacy import Privacy

_REQUEST = """
SELECT sequence, model, rows FROM requests WHERE request_id = ? ORDER BY sequence DESC LIMIT 1
"""
_OUTPUTS = "SELECT name FROM columns WHERE model = ? AND side = 'output' ORDER BY position"
_STORED = "SELECT value FROM feedback WHERE sequence = ? AND row = ?"
_STORE = """
INSERT INTO feedback (sequence, row, time, value) VALUES (?, ?, ?, ?)
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


def store(connection: sqlite3.Connection, item: Feedback, privacy: Privacy, time: str) -> Verdict:
    """Store one feedback; the latest request of that id is meant, and a later value replaces."""
    request = connection.execute(_REQUEST, (item.request_id,)).fetchone()
    if request is None:
        return Verdict.UNKNOWN_REQUEST
    sequence, model, rows = request
    if not 0 <= item.row < rows:
        return Verdict.ROW_OUT_OF_RANGE
    outputs = [name for (name,) in connection.execute(_OUTPUTS, (model,))]
    value = privacy.feedback(outputs, item.value)
    if connection.execute(_STORED, (sequence, item.row)).fetchone() == (value,):
        return Verdict.UNCHANGED
    connection.execute(_STORE, (sequence, item.row, time, value))
    return Verdict.STORED
