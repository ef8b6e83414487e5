"""Single rows of the log: inputs, answer, request id.

A value that the log holds as a hash stays one.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from monitoring.feedback.reader import texts
from monitoring.log.database.file import reading

_REQUEST = "SELECT request_id, time, inputs, outputs FROM requests WHERE sequence = ?"


class LoggedRow(NamedTuple):
    """A row of a request."""

    sequence: int
    """The request's number in the log."""
    row: int
    request_id: str
    time: datetime
    inputs: Mapping[str, Any]
    """By column; empty where the log stores none."""
    answer: Mapping[str, Any]
    """By output, and perhaps its `probabilities`."""


def read_rows(path: Path, places: Iterable[tuple[int, int]]) -> list[LoggedRow]:
    """Return the rows with these numbers of request and row, in order, but those that are gone.

    Raises:
        LogUnavailableError: there is no readable log.
    """
    found = []
    with reading(path.resolve()) as connection:
        for sequence, row in places:
            request = connection.execute(_REQUEST, (sequence,)).fetchone()
            if request is None:
                continue
            request_id, time, *sides = request
            inputs, answers = (texts(side) for side in sides)
            if row < max(len(inputs), len(answers)):
                found.append(
                    LoggedRow(
                        sequence,
                        row,
                        request_id,
                        datetime.fromisoformat(time),
                        msgspec.json.decode(inputs[row]) if inputs else {},
                        msgspec.json.decode(answers[row]) if answers else {},
                    )
                )
    return found
