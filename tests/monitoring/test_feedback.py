"""True values, told once or twice, for rows that were predicted."""

import contextlib
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from monitoring.batch import Entry
from monitoring.feedback import Feedback, Verdict
from monitoring.options import LogOptions
from monitoring.prediction_log import PredictionLog

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]


def stored(path: Path) -> list[tuple[object, ...]]:
    """Return the feedback in the log."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT sequence, row, time, value FROM feedback").fetchall()


def test_each_item_gets_its_verdict(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """Wrong items do not keep right ones out."""
    with new_log() as log:
        log.write([new_entry("a", rows=2)])
        verdicts = log.add_feedback(
            [
                Feedback("a", 1, "Setosa"),
                Feedback("b", 0, "Setosa"),
                Feedback("a", 2, "Setosa"),
                Feedback("a", -1, "Setosa"),
                Feedback("a", 1, "Setosa"),
            ]
        )
    assert verdicts == [
        Verdict.STORED,
        Verdict.UNKNOWN_REQUEST,
        Verdict.ROW_OUT_OF_RANGE,
        Verdict.ROW_OUT_OF_RANGE,
        Verdict.UNCHANGED,
    ]
    assert stored(path) == [(1, 1, "2026-11-21T12:00:00.000000Z", '"Setosa"')]


def test_a_later_value_replaces_an_earlier_one(path: Path, new_entry: NewEntry) -> None:
    """With its own time; the same value again keeps the time at which it was first told."""
    hours = iter(range(24))
    log = PredictionLog(path, LogOptions(), lambda: datetime(2026, 11, 21, next(hours), tzinfo=UTC))
    log.write([new_entry("a")])
    assert log.add_feedback([Feedback("a", 0, 1.5)]) == [Verdict.STORED]
    assert log.add_feedback([Feedback("a", 0, 2.5)]) == [Verdict.STORED]
    assert log.add_feedback([Feedback("a", 0, 2.5)]) == [Verdict.UNCHANGED]
    log.close()
    assert stored(path) == [(1, 0, "2026-11-21T01:00:00.000000Z", "2.5")]


def test_a_request_id_used_twice_means_the_later_request(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """A client may send a request again under its old id."""
    with new_log() as log:
        log.write([new_entry("a"), new_entry("a")])
        log.add_feedback([Feedback("a", 0, "Setosa")])
    assert [row[0] for row in stored(path)] == [2]


def test_outputs_may_be_told_by_name_in_any_order(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Of a model with several."""
    with new_log() as log:
        log.write([new_entry("a")])
        log.add_feedback([Feedback("a", 0, {"x": 1, "é": None})])
        assert log.add_feedback([Feedback("a", 0, {"é": None, "x": 1})]) == [Verdict.UNCHANGED]
    assert [row[3] for row in stored(path)] == ['{"x":1,"é":null}']


def test_many_items_are_stored_in_order(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """More than go into one transaction."""
    with new_log() as log:
        log.write([new_entry("a", rows=250)])
        verdicts = log.add_feedback(Feedback("a", row, row) for row in range(300))
    assert verdicts == [Verdict.STORED] * 250 + [Verdict.ROW_OUT_OF_RANGE] * 50
    assert [row[1] for row in stored(path)] == list(range(250))
