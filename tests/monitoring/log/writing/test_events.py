"""Events are bounded, and what repeats is counted."""

import contextlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import apsw
import pytest

from monitoring.log.database import queries
from monitoring.log.errors import LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.writing import events
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog

NewEntry = Callable[..., Entry]
MEGABYTE = 1024 * 1024
REFUSED = {"model": "iris", "version": "v2", "reason": "The golden rows differ."}


@pytest.fixture
def now(new_entry: NewEntry) -> list[datetime]:
    """Return the clock: its one item is the time."""
    return [new_entry().time]


@pytest.fixture
def log(path: Path, now: list[datetime]) -> PredictionLog:
    """Return a log with this clock."""
    return PredictionLog(path, LogOptions(), lambda: now[0])


def table(path: Path, columns: str = "kind, count") -> list[queries.Row]:
    """Return the events in their order."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        query = f"SELECT {columns} FROM events ORDER BY sequence"  # noqa: S608 - the tests' own
        return queries.rows(connection, query)


def test_a_condition_that_repeats_is_one_row(
    log: PredictionLog, path: Path, now: list[datetime]
) -> None:
    """With the first time, the last and the number, though others come between."""
    first = now[0]
    with log:
        for _ in range(60):
            log.event("model-refused", REFUSED, is_condition=True)
            log.event("model-refused", REFUSED | {"version": "v3"}, is_condition=True)
            now[0] += timedelta(minutes=1)
    last = f"{first + timedelta(minutes=59):%Y-%m-%dT%H:%M:%S.%fZ}"
    assert (
        table(path, "kind, count, time, last")
        == [("model-refused", 60, f"{first:%Y-%m-%dT%H:%M:%S.%fZ}", last)] * 2
    )


def test_after_an_hour_it_is_news_again(
    log: PredictionLog, path: Path, now: list[datetime]
) -> None:
    """It had passed meanwhile."""
    with log:
        for minutes in (0, 59, 59, 61):
            now[0] += timedelta(minutes=minutes)
            log.event("model-refused", REFUSED, is_condition=True)
    assert table(path) == [("model-refused", 3), ("model-refused", 1)]


def test_a_deed_has_a_row_of_its_own(log: PredictionLog, path: Path) -> None:
    """Swapped there and back and there again is three moves."""
    with log:
        for target in ("v2", "v1", "v2"):
            log.event("model-swapped", {"target": target})
    assert [json.loads(detail) for (detail,) in table(path, "detail")] == [
        {"target": target} for target in ("v2", "v1", "v2")
    ]


def test_a_flood_of_one_kind_is_counted(log: PredictionLog, path: Path) -> None:
    """Twenty thousand different ones take little, and leave other kinds their place."""
    with log:
        log.event("start", {})
        for number in range(20_000):
            log.event("model-refused", {"alias": f"alias-{number}"}, is_condition=True)
        log.event("stop", {})
    kinds: dict[str, int] = dict(table(path, "kind, count(*) OVER (PARTITION BY kind)"))
    assert kinds["start"] == kinds["stop"] == 1
    assert kinds["model-refused"] == events.A_MINUTE_OF_A_KIND
    [(left_out,)] = table(path, "sum(count) FILTER (WHERE kind = 'events-left-out')")
    [(stored,)] = table(path, "sum(count) FILTER (WHERE kind = 'model-refused')")
    # Those of the last second are stored with the next event that is.
    assert stored + left_out == 20_000


def test_the_newest_of_each_kind_are_kept(
    log: PredictionLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of another kind there are."""
    monkeypatch.setattr(events, "KEPT_OF_A_KIND", 10)
    with log:
        log.event("start", {})
        for number in range(40):
            log.event("model-swapped", {"number": number})
    details = [json.loads(detail) for (detail,) in table(path, "detail")]
    assert details == [{}, *({"number": number} for number in range(30, 40))]


def test_events_push_no_predictions_out(
    path: Path, new_entry: NewEntry, now: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take a sixteenth of the log's limit, however long and many they are."""
    monkeypatch.setattr(events, "A_MINUTE_OF_A_KIND", 1_000_000)
    with PredictionLog(path, LogOptions(max_bytes=MEGABYTE), lambda: now[0]) as log:
        log.write([new_entry(f"{number}") for number in range(500)])
        for number in range(2_000):
            log.event(f"kind-{number % 10}", {"number": number, "reason": "x" * 5_000})
    [(taken,)] = table(path, "sum(length(detail))")
    assert MEGABYTE / 32 < taken <= MEGABYTE / 16
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("SELECT count(*) FROM requests").fetchall() == [(500,)]


@pytest.mark.parametrize(
    "detail",
    [
        {"reason": "x" * 1_000_000},
        {"names": [f"name {number}" for number in range(100_000)]},
        {f"name {number}": number for number in range(10_000)},
        {"n" * 100_000: "x"},
        {"alias": "half a pair \ud800"},
        {"deep": {"deep": {"deep": ["\0" * 10_000] * 100}}},
    ],
)
def test_any_detail_is_stored_as_json_of_little_length(
    log: PredictionLog, path: Path, detail: dict[str, object]
) -> None:
    """It is cut, and still JSON."""
    with log:
        log.event("model-refused", detail)
    [(text,)] = table(path, "detail")
    assert len(text) <= 2 * events.LONGEST_DETAIL
    assert json.loads(text)


def test_an_event_that_cannot_be_stored_raises_however_many_there_were(
    log: PredictionLog, path: Path
) -> None:
    """The service finds out by an event whether the log can be written again."""
    path.mkdir()
    for _ in range(2 * events.A_MINUTE_OF_A_KIND):
        with pytest.raises(LogUnavailableError):
            log.event("log-writable", {})
    path.rmdir()
    with log:
        log.event("log-writable", {})
    assert table(path) == [("log-writable", 1)]
