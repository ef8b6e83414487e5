"""`mlops log`: the prediction log as JSON lines."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import apsw

from mlops.console import Exit
from monitoring.log.options import LogOptions
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from tests.mlops.conftest import Mlops

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def logged(local_data: Path, *request_ids: str) -> None:
    """Log a request for each id."""
    with PredictionLog(local_data / "predictions.sqlite", LogOptions(), lambda: NOON) as log:
        log.write(
            [
                Entry(name, NOON, "line", "v1", "answered", 1, 0.001, b'[{"x":1}]', b'[{"y":2}]')
                for name in request_ids
            ]
        )


def test_export_prints_one_object_a_request(mlops: Mlops, local_data: Path) -> None:
    """What was asked and answered comes out as JSON, in the order of the log."""
    logged(local_data, "first", "second")
    lines = [json.loads(line) for line in mlops("log", "export").stdout.splitlines()]
    assert [line["request_id"] for line in lines] == ["first", "second"]
    assert lines[0]["inputs"] == [{"x": 1}]
    assert lines[0]["outputs"] == [{"y": 2}]


def test_export_goes_on_after_a_sequence_number(mlops: Mlops, local_data: Path) -> None:
    """A script that remembers the last number gets only what is new."""
    logged(local_data, "first", "second")
    lines = mlops("log", "export", "--after", "1").stdout.splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == ["second"]


def test_a_log_that_is_not_there_is_a_sentence(mlops: Mlops) -> None:
    """Nothing was predicted yet: the verb says so, and fails."""
    result = mlops("log", "export")
    assert result.exit_code == Exit.FAILED
    assert "no prediction log" in result.stderr


def test_check_holds_the_ledger_against_the_rows(mlops: Mlops, local_data: Path) -> None:
    """A row that somebody took out of the log is missed, and the verb fails."""
    logged(local_data, "first", "second")
    assert mlops("log", "check").exit_code == Exit.DONE

    path = local_data / "predictions.sqlite"
    with contextlib.closing(apsw.Connection(str(path))) as connection, connection:
        connection.execute("DELETE FROM requests WHERE request_id = 'first'")
    checked = mlops("log", "check", "--json")
    assert checked.exit_code == Exit.FAILED
    [row] = json.loads(checked.stdout)
    assert (row["counted"], row["logged"]) == (2, 1)
