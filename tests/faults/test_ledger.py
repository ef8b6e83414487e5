"""The ledger counts what it says, without any service."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitoring.log.options import LogOptions
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from tests.faults.ledger import Call, Comparison, Ledger

ASKED, ANSWERED = b'[{"a":1}]', b'[{"total":1}]'
HEADERS = {"X-Model-Version": "v1"}


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty ledger."""
    return Ledger()


@pytest.fixture
def call(ledger: Ledger) -> Call:
    """Return a call that is answered 200."""
    call = ledger.sending(ledger.next_number(), ASKED)
    call.end(200, HEADERS.get, ANSWERED)
    return call


Compare = Callable[..., Comparison]


@pytest.fixture
def compare(ledger: Ledger, tmp_path: Path) -> Compare:
    """Return what holds the ledger against a log of requests with these ids."""

    def compared(*ids: str, outputs: bytes = ANSWERED, version: str = "v1") -> Comparison:
        now = datetime.now(UTC)
        path = tmp_path / "predictions.sqlite"
        with PredictionLog(path, LogOptions(), lambda: now) as log:
            log.write(
                [Entry(i, now, "sum", version, "answered", 1, 0.1, ASKED, outputs) for i in ids]
            )
        return ledger.compare([path])

    return compared


def test_an_answer_that_is_logged_once_holds(call: Call, compare: Compare) -> None:
    """This is the promise."""
    found = compare(call.request_id)
    assert (found.sent, found.answered) == (1, 1)
    assert found.holds


def test_an_answer_that_is_not_logged_is_lost(call: Call, compare: Compare) -> None:
    """Other rows of the log do not matter."""
    found = compare()
    assert found.lost == 1
    assert not found.holds


def test_an_answer_that_is_logged_twice_is_duplicated(call: Call, compare: Compare) -> None:
    """Its caller sent it once."""
    found = compare(call.request_id, call.request_id)
    assert found.duplicated == 1
    assert not found.holds


@pytest.mark.parametrize("other", [{"outputs": b'[{"total":2}]'}, {"version": "v2"}])
def test_an_answer_that_is_logged_otherwise_is_mismatched(
    call: Call, compare: Compare, other: dict[str, object]
) -> None:
    """The log must have the answer that the caller got."""
    found = compare(call.request_id, **other)
    assert found.mismatched == 1
    assert not found.holds


def test_a_row_that_nobody_asked_for_does_not_hold(call: Call, compare: Compare) -> None:
    """It would be an invention of the service."""
    found = compare(call.request_id, "somebody-else")
    assert found.unasked == 1
    assert not found.holds


def test_an_unknown_call_may_be_logged_once_or_not_at_all(ledger: Ledger, compare: Compare) -> None:
    """Its connection broke: before it was logged, or after."""
    one, two = (ledger.sending(ledger.next_number(), ASKED) for _ in range(2))
    found = compare(one.request_id)
    assert (found.unknown, found.unknown_but_logged) == (2, 1)
    assert found.holds
    assert compare(two.request_id, two.request_id).duplicated == 1


def test_a_refused_call_that_is_logged_is_counted(ledger: Ledger, compare: Compare) -> None:
    """A caller that got a refusal does not expect it in the log."""
    call = ledger.sending(ledger.next_number(), ASKED)
    call.end(503, HEADERS.get, b"{}")
    found = compare(call.request_id)
    assert found.refused == {503: 1}
    assert found.refused_but_logged == 1


def test_a_marked_answer_is_not_expected_in_the_log(ledger: Ledger, compare: Compare) -> None:
    """`Prediction-Logged: false` says so."""
    call = ledger.sending(ledger.next_number(), ASKED)
    call.end(200, (HEADERS | {"Prediction-Logged": "false"}).get, ANSWERED)
    found = compare()
    assert (found.unlogged, found.lost) == (1, 0)
    assert found.holds


def test_an_answer_that_the_judge_rejects_is_wrong(
    ledger: Ledger, call: Call, tmp_path: Path, compare: Compare
) -> None:
    """That holds even if it is logged correctly."""
    compare(call.request_id)
    found = ledger.compare([tmp_path / "predictions.sqlite"], lambda _: False)
    assert found.wrong == 1
    assert not found.holds
