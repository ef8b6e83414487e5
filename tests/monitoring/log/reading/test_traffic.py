"""Traffic: what was answered in a period, over time."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import apsw
import pytest

from monitoring.log.errors import LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.reading import traffic as traffic_module
from monitoring.log.reading.traffic import MOST_STEPS, read_traffic
from monitoring.log.span import Span
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from tests.monitoring.conftest import NOON


@pytest.fixture
def log(tmp_path: Path) -> Iterator[PredictionLog]:
    """Return an empty log."""
    with PredictionLog(tmp_path / "log.sqlite", LogOptions(), lambda: NOON) as opened:
        yield opened


def answer(
    log: PredictionLog, *times: datetime, version: str = "v1", rows: int = 2, seconds: float = 0.01
) -> None:
    """Log a request at each of these times."""
    text = json.dumps([{}] * rows).encode()
    log.write(
        [Entry("", time, "m", version, "answered", rows, seconds, text, text) for time in times]
    )


def test_nothing_answered_is_no_traffic(log: PredictionLog) -> None:
    """Answers outside of the period are not counted either."""
    assert read_traffic(log.path) is None
    answer(log, NOON)
    assert read_traffic(log.path, since=NOON + timedelta(seconds=1)) is None
    assert read_traffic(log.path, until=NOON) is None
    assert read_traffic(log.path, model="other") is None


def test_requests_and_rows_are_counted_by_version(log: PredictionLog) -> None:
    """The version that answered last is first; its span gives the place of its requests."""
    answer(log, NOON, NOON)
    answer(log, NOON, version="v2", rows=5)
    answer(log, NOON, version="v3")
    answer(log, NOON)
    traffic = read_traffic(log.path)
    assert traffic
    found = [(v.version, v.requests, v.rows, v.span) for v in traffic.versions]
    assert found == [
        ("v1", 3, 6, Span(1, 5)),
        ("v3", 1, 2, Span(4, 4)),
        ("v2", 1, 5, Span(3, 3)),
    ]
    assert (traffic.requests, traffic.rows) == (5, 13)


def test_rows_are_counted_by_steps_of_time(log: PredictionLog) -> None:
    """Steps begin on the full minute, hour and the like, and are few."""
    answer(log, *(NOON + timedelta(minutes=17, hours=hour) for hour in range(100)))
    traffic = read_traffic(log.path)
    assert traffic
    assert traffic.step == timedelta(hours=2)
    assert traffic.start == NOON
    assert traffic.count == 50 <= MOST_STEPS
    assert dict(traffic.versions[0].steps) == dict.fromkeys(range(50), 4)


def test_centuries_have_few_steps_too(log: PredictionLog) -> None:
    """The number of steps is bounded for any period."""
    answer(log, NOON, NOON + timedelta(days=365 * 300))
    traffic = read_traffic(log.path)
    assert traffic
    assert traffic.count <= MOST_STEPS
    assert traffic.versions[0].steps.total() == 4


def test_latencies_are_accurate_to_five_percent(log: PredictionLog) -> None:
    """Half of the requests, and 99 of 100, took at most so long."""
    for seconds in range(1, 101):
        answer(log, NOON, seconds=seconds / 1000)
    traffic = read_traffic(log.path)
    assert traffic
    quantiles = traffic.latencies[0].quantiles()
    assert quantiles
    assert quantiles.median == pytest.approx(0.050, rel=0.05)
    assert quantiles.p99 == pytest.approx(0.099, rel=0.05)


def test_requests_that_took_no_time_are_counted(log: PredictionLog) -> None:
    """A clock may stand still."""
    answer(log, NOON, seconds=0.0)
    traffic = read_traffic(log.path)
    assert traffic
    quantiles = traffic.latencies[0].quantiles()
    assert quantiles
    assert quantiles.median < 1e-6


def test_some_versions_are_asked_for(log: PredictionLog) -> None:
    """The period is then theirs."""
    answer(log, NOON)
    answer(log, NOON + timedelta(hours=1), version="v2")
    traffic = read_traffic(log.path, versions=["v2"])
    assert traffic
    assert [v.version for v in traffic.versions] == ["v2"]
    assert traffic.since == NOON + timedelta(hours=1)


def test_rows_that_the_clock_moved_into_a_period_are_reported(log: PredictionLog) -> None:
    """They are counted apart: the period's own numbers do not hold them."""
    hour = timedelta(hours=1)
    answer(log, NOON - hour, NOON, NOON + 3 * hour, NOON + hour, NOON + 3 * hour)
    traffic = read_traffic(log.path, NOON, NOON + 2 * hour)
    assert traffic
    [version] = traffic.versions
    assert (version.span, version.rows, version.strays) == (Span(2, 4), 4, 2)
    [version] = read_traffic(log.path).versions  # type: ignore[union-attr]
    assert version.strays == 0


def test_a_file_that_is_no_log_raises(tmp_path: Path) -> None:
    """The error is the one of every reader."""
    with pytest.raises(LogUnavailableError, match="no prediction log"):
        read_traffic(tmp_path / "none.sqlite")
    apsw.Connection(str(tmp_path / "other.sqlite")).close()
    with pytest.raises(LogUnavailableError):
        read_traffic(tmp_path / "other.sqlite")


def test_a_long_period_is_read_in_short_statements(
    path: Path, new_entry: Callable[..., Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal times, times that go back, and a model that answered seldom lose no request."""
    monkeypatch.setattr(traffic_module, "_SPAN_REQUESTS", 7)
    monkeypatch.setattr(traffic_module, "_PAGE_REQUESTS", 5)
    with PredictionLog(path, LogOptions(), lambda: NOON) as log:
        for number in range(100):
            time = NOON + timedelta(seconds=number // 20 * (-1) ** number)
            model = "rare" if number in {30, 70} else "iris"
            log.write([new_entry(f"{number}", time=time, model=model)])
    whole, rare = read_traffic(path), read_traffic(path, model="rare")
    assert whole
    assert rare
    assert (whole.requests, rare.requests) == (100, 2)
    assert whole.since == NOON - timedelta(seconds=4)
    assert whole.until == NOON + timedelta(seconds=4)
    assert rare.versions[0].span == Span(31, 71)
    second = timedelta(seconds=1)
    part = read_traffic(path, NOON - second, NOON + 2 * second)
    assert part
    assert part.requests == 20 + 2 * 10
