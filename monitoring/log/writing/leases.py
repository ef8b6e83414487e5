"""Rows that are out for labelling: nobody is given the same row twice meanwhile."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import apsw

# A row with feedback needs none, one that is gone can have none, and one that is out is taken. A
# lease that is over stays until the next: it says, once the label comes, why the row was chosen.
_GIVE = """
INSERT INTO leases (sequence, row, time, until, reason)
SELECT sequence, :row, :time, :until, :reason FROM requests
WHERE sequence = :sequence AND :row >= 0 AND :row < rows
  AND NOT EXISTS (SELECT 1 FROM feedback WHERE sequence = :sequence AND row = :row)
ON CONFLICT DO UPDATE SET time = excluded.time, until = excluded.until, reason = excluded.reason
  WHERE leases.until <= excluded.time
"""


class Reason(StrEnum):
    """Why a row is worth a person's label."""

    UNANSWERED = "not answered"
    UNCERTAIN = "least certain"
    DRIFTED = "most drifted"
    RANDOM = "random"


class Lease(NamedTuple):
    """A row that is wanted for labelling."""

    sequence: int
    """The request's number in the log."""
    row: int
    reason: Reason


def give(
    connection: apsw.Connection, wanted: Sequence[Lease], count: int, times: tuple[str, str]
) -> list[int]:
    """Give out the first `count` rows that are free, from the one time until the other.

    Returns their places in `wanted`.
    """
    time, until = times
    given: list[int] = []
    for place, lease in enumerate(wanted):
        if len(given) == count:
            break
        values = lease._asdict() | {"reason": str(lease.reason), "time": time, "until": until}
        connection.execute(_GIVE, values)
        if connection.changes() > 0:
            given.append(place)
    return given
