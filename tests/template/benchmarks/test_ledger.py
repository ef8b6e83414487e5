"""A service that answers without logging, or logs what it did not answer, is caught."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from benchmarks.errors import LoadError
from benchmarks.ledger import check_ledger, logged_requests
from monitoring.log.options import LogOptions
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of two answered requests and a failed one."""
    path = tmp_path / "predictions.sqlite"
    with PredictionLog(path, LogOptions(), lambda: NOON) as writer:
        writer.write(
            [
                Entry("1", NOON, "m", "v", "answered", 1, 0.1, b"[{}]", b"[{}]"),
                Entry("2", NOON, "m", "v", "answered", 1, 0.1, b"[{}]", b"[{}]"),
                Entry("3", NOON, "m", "v", "failed", 1, 0.1, b"[{}]", b""),
            ]
        )
    return path


def test_no_log_counts_nothing(tmp_path: Path) -> None:
    """Before its first start a service has answered nothing."""
    assert logged_requests(tmp_path / "none.sqlite") == 0


def test_answers_alone_are_counted(log: Path) -> None:
    """A failure is no answer."""
    assert logged_requests(log) == 2


def test_what_was_answered_is_logged(log: Path) -> None:
    """Two answers and two rows, or one answer more that nobody waited for."""
    check_ledger(log, answered=2)
    check_ledger(log, answered=1, uncounted=1)


@pytest.mark.parametrize("answered", [1, 3])
def test_a_difference_is_an_error(log: Path, answered: int) -> None:
    """One answer without a row, or one row without an answer."""
    with pytest.raises(LoadError, match="2 are logged"):
        check_ledger(log, answered=answered)


def test_totals_without_rows_are_an_error(log: Path) -> None:
    """A service that only counts does not log."""
    with closing(apsw.Connection(str(log))) as connection, connection:
        connection.execute("DELETE FROM requests WHERE sequence = 2")
    with pytest.raises(LoadError, match="differ from its rows"):
        check_ledger(log, answered=2)
