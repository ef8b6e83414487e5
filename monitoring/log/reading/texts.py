"""Reading the texts of many requests without holding a read open for long.

An answer of the database is one row: between rows a thread waits for the interpreter, for up to 5
ms where other threads are busy, and the read goes on for all of that time. Meanwhile the
write-ahead log cannot begin anew, and grows with every commit.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apsw
import msgspec

from monitoring.log.database import queries
from monitoring.log.privacy import json_text

TEXT_BYTES = 1_000_000
"""Texts of so many bytes, or of one request, are read at once."""

BYTES = "coalesce(octet_length(inputs), 0) + coalesce(octet_length(outputs), 0)"
"""The SQL of how long the texts of a request are."""
_TEXTS = """
SELECT json_group_array(json_array(sequence, inputs, outputs) ORDER BY sequence {}) FROM requests
WHERE sequence IN (SELECT value FROM json_each(?))
"""


class Place(NamedTuple):
    """Where a request is, and how large."""

    sequence: int
    rows: int
    text_bytes: int


class LoggedRequest(NamedTuple):
    """What the log holds of a request: two JSON texts, each a row object or an array of them."""

    sequence: int
    inputs: str
    outputs: str


places = msgspec.json.Decoder(list[Place]).decode
"""Reads an answer in which each request is a JSON array of the values of a `Place`."""
_requests = msgspec.json.Decoder(list[LoggedRequest]).decode


def read_texts(
    connection: apsw.Connection, wanted: Iterable[Place], *, newest_first: bool = False
) -> Iterator[LoggedRequest]:
    """Yield the texts of requests in their order, but of those that retention removed meanwhile.

    Args:
        connection: To the log.
        wanted: In the same order.
        newest_first: Whether that is the one in which the numbers fall.
    """
    query = _TEXTS.format("DESC" if newest_first else "ASC")
    for sequences in _together(wanted):
        [found] = queries.row(connection, query, (json_text(sequences),))
        yield from _requests(found)


def _together(wanted: Iterable[Place]) -> Iterator[list[int]]:
    """Yield the numbers of the requests in groups that are each read at once."""
    group: list[int] = []
    taken = 0
    for place in wanted:
        if group and taken + place.text_bytes > TEXT_BYTES:
            yield group
            group, taken = [], 0
        group.append(place.sequence)
        taken += place.text_bytes
    if group:
        yield group
