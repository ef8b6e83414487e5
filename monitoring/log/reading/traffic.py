"""What was asked of each version, over time: requests, rows and how long answers took.

Read from the prediction log in short statements, in memory that does not grow with the log.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import apsw
import numpy as np

from monitoring.log.database.file import reading
from monitoring.log.database.queries import row
from monitoring.log.database.queries import rows as rows_of
from monitoring.log.span import Span
from monitoring.log.timestamps import utc_text

MOST_STEPS = 60
"""Maximum number of steps of a period."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 30, 90, 365)),
)
# Latencies are counted in bins that each end 9 % above where they begin.
_BINS_A_DOUBLING = 8
_FASTEST = 1e-7

# One statement looks at so many requests: a long read keeps the write-ahead log from being used
# again, and its answer would not fit into memory.
_PAGE_REQUESTS = 5_000
_SPAN_REQUESTS = 50_000

_WITHIN = "time >= :since AND time < :until"
_WANTED = """(:model = '' OR model = :model)
  AND (:versions = '[]' OR version IN (SELECT value FROM json_each(:versions)))"""
# Some requests in the order of their times, and the place where to go on: a time and a number.
# Where all are wanted, the index of times is enough, which holds the numbers, too.
_SPAN = """
SELECT min(time) FILTER (WHERE {0}), max(time) FILTER (WHERE {0}),
  min(sequence) FILTER (WHERE {0}), max(sequence) FILTER (WHERE {0}),
  max(time), max(sequence) FILTER (WHERE is_last)
FROM (
  SELECT *, time = max(time) OVER () AS is_last FROM (
    SELECT time, sequence{1} FROM requests
    WHERE time >= :time AND time < :until AND (time > :time OR sequence > :sequence)
    ORDER BY time, sequence LIMIT :most
  )
)
"""
_SPAN_OF_ALL, _SPAN_OF_SOME = _SPAN.format("1", ""), _SPAN.format(_WANTED, ", model, version")
_PAGE = f"""
SELECT sequence, model, version, rows, seconds, CAST(strftime('%s', time) AS INTEGER), {_WITHIN}
FROM requests WHERE sequence > :after AND sequence <= :last AND {_WANTED}
ORDER BY sequence
"""  # noqa: S608 - constants
_EARLIEST, _LATEST = "", "~"


class Quantiles(NamedTuple):
    """How long answers took, in seconds, to within 5 %."""

    median: float
    p99: float


@dataclass
class Latencies:
    """Counts of how long answers took."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """Count one answer."""
        self.counts[math.floor(math.log2(max(seconds, _FASTEST)) * _BINS_A_DOUBLING)] += 1

    def quantiles(self) -> Quantiles | None:
        """Return them; None where nothing was counted."""
        return Quantiles(self._quantile(0.5), self._quantile(0.99)) if self.counts else None

    def _quantile(self, share: float) -> float:
        places = sorted(self.counts)
        until = np.cumsum([self.counts[place] for place in places])
        place = places[int(until.searchsorted(share * until[-1]))]
        return float(2 ** ((place + 0.5) / _BINS_A_DOUBLING))


@dataclass
class VersionTraffic:
    """What a version answered in a period."""

    model: str
    version: str
    span: Span
    """From its first request to its last."""
    requests: int = 0
    rows: int = 0
    steps: Counter[int] = field(default_factory=Counter)
    """Rows by the number of the step."""
    strays: int = 0
    """Rows in its span that are not of the period: their time is outside of it, as where the clock
    was set. They are not among `rows`."""


@dataclass
class Traffic:
    """What was answered in a period."""

    since: datetime
    """When the first request of the period came."""
    until: datetime
    """When the last one came."""
    start: datetime
    """When the first step begins."""
    step: timedelta
    count: int
    """How many steps there are."""
    versions: list[VersionTraffic] = field(default_factory=list)
    """Those that answered, the one that answered last first."""
    latencies: dict[int, Latencies] = field(default_factory=dict)
    """By the number of the step."""

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return sum(version.requests for version in self.versions)

    @property
    def rows(self) -> int:
        """How many rows were answered."""
        return sum(version.rows for version in self.versions)


def read_traffic(
    path: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    model: str = "",
    versions: Iterable[str] = (),
) -> Traffic | None:
    """Return what was answered in a period; None if nothing was.

    Args:
        path: The log.
        since: When the period begins; None: with the log.
        until: The first moment after it; None: it has no end.
        model: One model; empty: all.
        versions: Some versions; none: all.

    Raises:
        LogUnavailableError: there is no readable log.
    """
    wanted: dict[str, str | int] = {
        "since": utc_text(since) if since else _EARLIEST,
        "until": utc_text(until) if until else _LATEST,
        "model": model,
        "versions": json.dumps(list(versions)),
    }
    with reading(path.resolve()) as connection:
        period = _period(connection, wanted)
        return _read(connection, wanted, period) if period else None


class _Period(NamedTuple):
    """Where the wanted requests begin and end."""

    first: str
    last: str
    """Their times."""
    begin: int
    end: int
    """Their numbers."""


def _period(connection: apsw.Connection, wanted: Mapping[str, str | int]) -> _Period | None:
    """Look through the times of all requests of the period, some after the other."""
    is_all = wanted["model"] == "" and wanted["versions"] == "[]"
    query = _SPAN_OF_ALL if is_all else _SPAN_OF_SOME
    place = {"time": wanted["since"], "sequence": -1, "most": _SPAN_REQUESTS}
    found: list[_Period] = []
    while place["time"] is not None:
        *part, time, sequence = row(connection, query, {**wanted, **place})
        place |= {"time": time, "sequence": sequence}
        found += [_Period(*part)] if part[0] is not None else []
    if not found:
        return None
    begin, end = min(part.begin for part in found), max(part.end for part in found)
    return _Period(found[0].first, found[-1].last, begin, end)


def _read(connection: apsw.Connection, wanted: Mapping[str, str | int], period: _Period) -> Traffic:
    traffic = _empty(datetime.fromisoformat(period.first), datetime.fromisoformat(period.last))
    start, step = int(traffic.start.timestamp()), int(traffic.step.total_seconds())
    versions: dict[tuple[str, str], VersionTraffic] = {}
    strays: Counter[tuple[str, str]] = Counter()
    for after in range(period.begin - 1, period.end, _PAGE_REQUESTS):
        page = {**wanted, "after": after, "last": min(after + _PAGE_REQUESTS, period.end)}
        # All at once: what is made of them takes longer than to read them.
        for sequence, *of, rows, seconds, time, within in rows_of(connection, _PAGE, page):
            model, version = of
            found = versions.get((model, version))
            if not within:
                strays[model, version] += rows
                continue
            if found is None:
                found = VersionTraffic(model, version, Span(sequence, sequence))
                versions[model, version] = found
                strays[model, version] = 0
            place = min((time - start) // step, traffic.count - 1)
            found.span = Span(found.span.first, sequence)
            found.strays = strays[model, version]
            found.requests += 1
            found.rows += rows
            found.steps[place] += rows
            traffic.latencies.setdefault(place, Latencies()).add(seconds)
    traffic.versions = sorted(versions.values(), key=lambda v: v.span.last, reverse=True)
    return traffic


def _empty(first: datetime, last: datetime) -> Traffic:
    """Return a period without traffic, in steps that begin on the hour, the day and the like."""
    begin, end = int(first.timestamp()), int(last.timestamp())
    widest = _STEPS[-1] * (1 + (end - begin) // (_STEPS[-1] * (MOST_STEPS - 1)))
    fitting = [step for step in _STEPS if end // step - begin // step < MOST_STEPS]
    step = fitting[0] if fitting else widest
    start = begin // step * step
    return Traffic(
        first,
        last,
        datetime.fromtimestamp(start, UTC),
        timedelta(seconds=step),
        (end - start) // step + 1,
    )
