"""What a log holds after its writer was killed, beside what was acknowledged."""

import contextlib
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import apsw

from monitoring.log.reading.reader import LogReader

AcknowledgedUntilKilled = Callable[[Path, str, int, int], list[str]]
"""Kills a writer of some kind in the n-th round, at a moment; returns what it acknowledged."""


def compare(
    acknowledged_until_killed: AcknowledgedUntilKilled, path: Path, kind: str, rounds: int
) -> tuple[int, int, int]:
    """Return how many requests were lost, doubled, and are there without acknowledgement."""
    acknowledged: list[str] = []
    for number in range(rounds):
        moment = random.randrange(1, 200)  # noqa: S311 - pytest-randomly seeds it
        acknowledged += acknowledged_until_killed(path, kind, number, moment)
        assert LogReader(path).check().holds
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        found = Counter(name for (name,) in connection.execute("SELECT request_id FROM requests"))
    lost = sum(name not in found for name in acknowledged)
    return lost, found.total() - len(found), len(set(found) - set(acknowledged))
