"""The rows most worth a person's label: unanswered, least certain, most drifted, some at random.

The rows at random are of the sample that speaks for all rows, and hard ones never are: labels of
the sample are then as good a measure of the model as if nobody had asked for others.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import apsw
import msgspec

from monitoring.feedback.reader import texts
from monitoring.log.database.file import reading
from monitoring.log.sample import in_sample
from monitoring.log.timestamps import utc_text
from monitoring.log.writing.leases import Lease, Reason
from monitoring.log.writing.writer import LogWriter

Rarity = Callable[[Mapping[str, Any]], float]
"""Measures how rare the values of a row are, by column name; greater is rarer."""

CANDIDATE_ROWS = 2_000
"""Number of the newest free rows that are considered."""
# And so many of the newest requests, as there is no index by model, and all may be labelled.
_LOOK_BACK_REQUESTS = 10_000
_encode = msgspec.json.Encoder().encode
# More rows are wanted than are given, as somebody else may be given some of them first.
_SPARE = 4

# A label names a request id, and means the latest request of that id: no other is given out.
_NEWEST = """
SELECT sequence, request_id, time, version, rows, inputs, outputs FROM requests AS r
WHERE sequence > (SELECT max(sequence) FROM requests) - ? AND model = ? AND NOT EXISTS (
  SELECT 1 FROM requests WHERE request_id = r.request_id AND sequence > r.sequence
) ORDER BY sequence DESC
"""
_TAKEN = """
SELECT row FROM feedback WHERE sequence = :sequence
UNION ALL SELECT row FROM leases WHERE sequence = :sequence AND until > :now
"""


@dataclass(frozen=True)
class Candidate:
    """A row without a label."""

    sequence: int
    """The request's number in the log."""
    row: int
    request_id: str
    time: datetime
    """When it was predicted."""
    version: str
    inputs: Mapping[str, Any] | None
    """As logged: personal values as hashes; None where the log stores none."""
    answer: Mapping[str, Any] | None

    @property
    def certainty(self) -> float | None:
        """The greatest probability; None where the answer has none."""
        shares = (self.answer or {}).get("probabilities")
        return max(shares.values()) if isinstance(shares, Mapping) and shares else None

    @property
    def is_unanswered(self) -> bool:
        """Whether the model was too unsure to answer."""
        return bool(self.answer) and None in (self.answer or {}).values()


@dataclass(frozen=True)
class Task:
    """A row that is out for labelling, and why."""

    row: Candidate
    reason: Reason


class LabelQueue:
    """Gives out rows to be labelled, each row to one person at a time.

    Args:
        log: Where the rows are, and where it is noted that they are out.
        seconds: How long a row stays out; then it may be given to somebody else.
        now: Returns the time now, with a time zone.
        random: Chooses among the rows of the sample.
    """

    def __init__(
        self, log: LogWriter, seconds: float, now: Callable[[], datetime], random: Random
    ) -> None:
        self._log = log
        self._seconds = seconds
        self._now = now
        self._random = random

    def take(self, model: str, rows: int, rarities: Mapping[str, Rarity]) -> list[Task]:
        """Return up to so many rows of a model, which are then out.

        Args:
            model: The model; all of its versions count.
            rows: How many.
            rarities: By version; rows of a version without one are not ranked by drift.

        Raises:
            LogUnavailableError: the log cannot be read or written.
        """
        wanted = self.look(model, rows * _SPARE, rarities)
        leases = [Lease(task.row.sequence, task.row.row, task.reason) for task in wanted]
        return [wanted[place] for place in self._log.lease(leases, rows, self._seconds)]

    def look(self, model: str, rows: int, rarities: Mapping[str, Rarity]) -> list[Task]:
        """Return the rows that could be taken now, which stay in the queue; see `take`."""
        found = candidates(self._log.path, model, self._now())
        return ranked(found, rarities, self._random, rows)


def candidates(path: Path, model: str, now: datetime) -> list[Candidate]:
    """Return the newest rows of a model that have no label and are not out, the newest first.

    Raises:
        LogUnavailableError: there is no readable log.
    """
    with reading(path) as connection:
        return list(islice(_free(connection, model, utc_text(now)), CANDIDATE_ROWS))


def ranked(
    found: Sequence[Candidate], rarities: Mapping[str, Rarity], random: Random, count: int
) -> list[Task]:
    """Return up to `count` rows, each once: in turn unanswered, least certain, drifted and random.

    Of equal rows that are hard one is given: who labels it learns nothing from the next.
    """
    others: list[int] = []
    distinct: dict[bytes, int] = {}
    for number, row in enumerate(found):
        # A row whose difficulty is not known is not chosen as a hard one.
        is_ranked = row.certainty is not None or (row.version in rarities and row.inputs)
        if in_sample(row.sequence, row.row) or not is_ranked:
            others.append(number)
        else:
            distinct.setdefault(_encode((row.version, row.inputs, row.answer)), number)
    hard = distinct.values()
    certain = sorted((share, p) for p in hard if (share := found[p].certainty) is not None)
    unanswered = [place for _, place in certain if found[place].is_unanswered]
    drifted = sorted(
        (-rarities[found[place].version](inputs), place)
        for place in hard
        if found[place].version in rarities and (inputs := found[place].inputs)
    )
    turns: list[tuple[Reason, Iterator[int]]] = [
        (Reason.UNANSWERED, iter(unanswered)),
        (Reason.UNCERTAIN, (place for _, place in certain)),
        (Reason.DRIFTED, (place for _, place in drifted)),
        (Reason.RANDOM, iter(random.sample(others, len(others)))),
    ]
    chosen: dict[int, Reason] = {}
    while turns and len(chosen) < count:
        reason, places = turns.pop(0)
        place = next((place for place in places if place not in chosen), None)
        if place is not None:
            chosen[place] = reason
            turns.append((reason, places))
    return [Task(found[place], reason) for place, reason in chosen.items()]


def _free(connection: apsw.Connection, model: str, now: str) -> Iterator[Candidate]:
    for request in connection.execute(_NEWEST, (_LOOK_BACK_REQUESTS, model)):
        sequence, request_id, time, version, rows, inputs, outputs = request
        taken = set(connection.execute(_TAKEN, {"sequence": sequence, "now": now}))
        free = [row for row in reversed(range(rows)) if (row,) not in taken]
        asked, answered = (texts(text) if free else [] for text in (inputs, outputs))
        for row in free:
            yield Candidate(
                sequence,
                row,
                request_id,
                datetime.fromisoformat(time),
                version,
                msgspec.json.decode(asked[row]) if asked else None,
                msgspec.json.decode(answered[row]) if answered else None,
            )
