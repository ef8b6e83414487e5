"""True values, sent once or twice, for rows that were predicted."""

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from monitoring.log.database.views import ViewColumn
from monitoring.log.options import LogOptions
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.log.writing.true_values import Feedback, Verdict

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]


@pytest.fixture
def log(new_log: NewLog, new_entry: NewEntry) -> Iterator[PredictionLog]:
    """Return an open log of one request of nine rows."""
    with new_log() as log:
        log.write([new_entry("a", rows=9)])
        yield log


def stored(path: Path) -> list[tuple[object, ...]]:
    """Return the feedback in the log."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
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
    """It has its own time; the same value again keeps the time at which it first came."""
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


def test_outputs_may_be_named_in_any_order(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """That is for a model with several outputs."""
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


@pytest.mark.parametrize(
    ("kind", "verdict", "good", "bad"),
    [
        ("number", Verdict.NO_NUMBER, [5, 5.5], ["5", True]),
        ("integer", Verdict.NO_INTEGER, [5, 5.0], [5.5, "5", True]),
        ("boolean", Verdict.NO_BOOLEAN, [True, False], [1, "true"]),
        ("category", Verdict.NO_TEXT, ["Setosa", "never seen"], [1, True]),
        ("string", Verdict.NO_TEXT, ["any"], [1.5]),
    ],
)
def test_a_value_must_be_one_that_the_output_can_have(
    log: PredictionLog, kind: str, verdict: Verdict, good: list[object], bad: list[object]
) -> None:
    """A class that the training had not is one; a value of another kind is refused with why."""
    log.declare("iris", [ViewColumn("variety", kind, "output")])
    verdicts = log.add_feedback(Feedback("a", row, value) for row, value in enumerate(good + bad))
    assert verdicts == [Verdict.STORED] * len(good) + [verdict] * len(bad)
    named = [Feedback("a", 8, {"variety": value}) for value in (bad[0], good[0])]
    assert log.add_feedback(named) == [verdict, Verdict.STORED]


def test_one_of_several_outputs_that_is_not_named_may_be_any(log: PredictionLog) -> None:
    """Nobody knows which kind it must have, where they are of several kinds."""
    kinds = {"x": "number", "y": "category"}
    log.declare("iris", [ViewColumn(name, kind, "output") for name, kind in kinds.items()])
    assert log.add_feedback([Feedback("a", 0, "any")]) == [Verdict.STORED]


def answered(log: PredictionLog, entry: Entry, answer: bytes) -> None:
    """Log a request with this answer, of a model that declared what it answers with."""
    names = [name for name in json.loads(answer) if name != "probabilities"]
    log.declare(entry.model, [ViewColumn(name, "number", "output") for name in names])
    log.write([entry._replace(outputs=answer)])


def test_values_of_several_outputs_are_named_and_come_one_after_the_other(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """A later one leaves the others; one that names no output of the answer is refused."""
    with new_log() as log:
        answered(log, new_entry("a", rows=1), b'{"north":1,"south":2}')
        verdicts = log.add_feedback(
            [
                Feedback("a", 0, {"south": 3}),
                Feedback("a", 0, {"north": 4, "south": 5}),
                Feedback("a", 0, {"north": 6}),
                Feedback("a", 0, {"north": 6}),
                Feedback("a", 0, {"west": 7}),
                Feedback("a", 0, {"north": "text"}),
                Feedback("a", 0, 8),
            ]
        )
    assert verdicts == [
        Verdict.STORED,
        Verdict.STORED,
        Verdict.STORED,
        Verdict.UNCHANGED,
        Verdict.UNKNOWN_OUTPUT,
        Verdict.NO_NUMBER,
        Verdict.UNKNOWN_OUTPUT,
    ]
    assert [json.loads(str(row[3])) for row in stored(path)] == [{"north": 6, "south": 5}]


def test_the_truth_of_an_amount_with_bounds_needs_no_name(
    new_log: NewLog, new_entry: NewEntry
) -> None:
    """Bounds have no truth of their own."""
    with new_log() as log:
        answered(log, new_entry("a", rows=1), b'{"price":5,"price_lower":4,"price_upper":6}')
        feedback = [Feedback("a", 0, value) for value in (5.5, {"price": 5.0}, "text")]
        assert log.add_feedback(feedback) == [Verdict.STORED, Verdict.STORED, Verdict.NO_NUMBER]


def test_a_model_whose_output_was_renamed_needs_no_name(
    new_log: NewLog, new_entry: NewEntry
) -> None:
    """Its earlier output is declared, too; the answer has the new one alone."""
    with new_log() as log:
        entry = new_entry("a", rows=1)
        log.declare(entry.model, [ViewColumn("old", "number", "output")])
        answered(log, entry, b'{"new":5,"probabilities":{}}')
        assert log.add_feedback([Feedback("a", 0, 5.5)]) == [Verdict.STORED]
