"""A log that was filled is a log like any other, only full."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from benchmarks.bench_models import BenchModel, make_model
from benchmarks.filled_log import fill_log
from monitoring.log.options import LogOptions
from monitoring.log.reading.reader import LogReader
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog

ROWS = 1000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> BenchModel:
    """Return the tree."""
    return make_model("tree", tmp_path_factory.mktemp("models") / "tree")


@pytest.fixture
def log(tmp_path: Path, model: BenchModel) -> Path:
    """Return a log that was filled."""
    path = tmp_path / "filled" / "predictions.sqlite"
    fill_log(path, model, ROWS)
    return path


def test_totals_and_rows_agree(log: Path, model: BenchModel) -> None:
    """The ledger counts what is there."""
    balance = LogReader(log).check()
    assert balance.holds
    assert balance.ledger == {(model.name, model.version): (ROWS, ROWS)}


def test_rows_are_like_those_of_the_service(log: Path) -> None:
    """Ids are 32 hexadecimal digits that sort as the times do, none twice, all in the past."""
    with closing(apsw.Connection(str(log))) as connection:
        found = connection.execute(
            "SELECT request_id, time FROM requests ORDER BY sequence"
        ).fetchall()
    ids, times = zip(*found, strict=True)
    assert len(set(ids)) == ROWS
    assert {len(name) for name in ids} == {32}
    assert list(ids) == sorted(ids)
    assert list(times) == sorted(times)
    assert {len(time) for time in times} == {len("2026-11-21T12:00:00.000000Z")}
    assert datetime.fromisoformat(times[-1]) <= datetime.now(UTC)


def test_the_service_can_go_on_with_it(log: Path, model: BenchModel) -> None:
    """The next request has the next number."""
    now = datetime.now(UTC)
    entry = Entry("next", now, model.name, model.version, "answered", 1, 0.1, b"[{}]", b"[{}]")
    with PredictionLog(log, LogOptions(), lambda: now) as writer:
        writer.write([entry])
    assert LogReader(log).check().holds
    with closing(apsw.Connection(str(log))) as connection:
        last = connection.execute("SELECT max(sequence) FROM requests").fetchall()
    assert last == [(ROWS + 1,)]
