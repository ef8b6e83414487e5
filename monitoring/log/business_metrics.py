"""Numbers of the client's own system, such as its revenue: kept, and shown as gauges."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import apsw
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitoring.log.database.file import reading
from monitoring.log.database.queries import row, rows
from monitoring.log.errors import LogUnavailableError

KEPT_VALUES = 10_000
"""How many values of a name are kept, the newest: one a minute for a week."""

_NEXT = "SELECT coalesce(max(number), 0) + 1 FROM business_metrics WHERE name = ?"
_STORE = "INSERT INTO business_metrics (name, number, time, value) VALUES (?, ?, ?, ?)"
_FORGET = "DELETE FROM business_metrics WHERE name = ? AND number <= ?"
_NEWEST = """
SELECT time, value FROM business_metrics WHERE name = ? ORDER BY number DESC LIMIT ?
"""


class Measured(NamedTuple):
    """A value of a business metric."""

    time: datetime
    """When it was received."""
    value: float


def store(connection: apsw.Connection, values: Mapping[str, float], time: str) -> None:
    """Store values by name, and remove the oldest beyond KEPT_VALUES."""
    for name, value in values.items():
        [number] = row(connection, _NEXT, (name,))
        connection.execute(_STORE, (name, number, time, value))
        connection.execute(_FORGET, (name, number - KEPT_VALUES))


class BusinessMetrics:
    """Reads the business metrics of these names from a prediction log."""

    def __init__(self, path: Path, names: Collection[str]) -> None:
        self._path = path.resolve()
        self._names = names

    def newest(self, count: int = 1) -> dict[str, list[Measured]]:
        """Return the newest values of each name that has some, the newest first.

        Raises:
            LogUnavailableError: there is no readable log.
        """
        if not self._names:
            return {}
        with reading(self._path) as connection:
            found = {name: rows(connection, _NEWEST, (name, count)) for name in self._names}
        return {
            name: [Measured(datetime.fromisoformat(time), value) for time, value in measured]
            for name, measured in found.items()
            if measured
        }


class BusinessCollector(Collector):
    """`business_metric` and `business_metric_age_seconds`, read at scrape: they survive restarts.

    Args:
        metrics: Reads those that the settings declare: no other name becomes a label.
        now: Returns the time now, with a time zone.
    """

    def __init__(self, metrics: BusinessMetrics, now: Callable[[], datetime]) -> None:
        self._metrics = metrics
        self._now = now

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics without samples, so that registering reads no log."""
        return _families()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read the newest value of each name."""
        values, ages = _families()
        with contextlib.suppress(LogUnavailableError):
            for name, [newest] in self._metrics.newest().items():
                values.add_metric([name], newest.value)
                ages.add_metric([name], (self._now() - newest.time).total_seconds())
        return values, ages


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(
            "business_metric", "The newest value of a business metric.", labels=["name"]
        ),
        GaugeMetricFamily(
            "business_metric_age_seconds",
            "Time since a business metric was received.",
            labels=["name"],
        ),
    )
