"""Answered means logged, once, by one writer."""

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import apsw
import pytest

from monitoring.log.errors import LogLockedError, LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.reading.reader import LogReader, Total
from monitoring.log.writing import backlog
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Query the log as another program would."""
    with closing(apsw.Connection(str(path))) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_a_written_entry_is_committed_when_write_returns(
    new_log: NewLog, new_entry: NewEntry, path: Path, durability: Literal["normal", "full"]
) -> None:
    """Another connection sees every column of it while the log is still open."""
    moment = datetime(2026, 11, 21, 13, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    with new_log(durability=durability) as log:
        log.write([new_entry(time=moment)])
        assert rows(path, "SELECT * FROM requests") == [
            (
                1,
                "first",
                "2026-11-21T12:00:00.000005Z",
                "iris",
                "v1",
                1,
                0.002,
                '[{"petal_length":5.2}]',
                '[{"variety":"Virginica"}]',
                None,
            )
        ]


def test_totals_count_by_model_version_and_outcome(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """A failed request is counted and leaves no row."""
    with new_log() as log:
        log.write([new_entry("a", rows=2), new_entry("b", rows=3), new_entry("c", version="v2")])
        log.write([new_entry("d"), new_entry("e", outcome="failed", rows=7, outputs=b"")])
    reader = LogReader(path)
    assert reader.totals() == [
        Total("iris", "v1", "answered", 3, 6, 0, 0),
        Total("iris", "v1", "failed", 1, 7, 0, 0),
        Total("iris", "v2", "answered", 1, 1, 0, 0),
    ]
    assert reader.check().logged == {("iris", "v1"): (3, 6), ("iris", "v2"): (1, 1)}
    assert reader.check().holds


def test_a_closed_log_goes_on_where_it_ended(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Totals and sequence continue, and closing leaves one whole file."""
    for request_id in ("a", "b"):
        with new_log() as log:
            log.write([new_entry(request_id)])
        assert not path.with_name(path.name + "-wal").exists()
    assert rows(path, "SELECT sequence, request_id FROM requests ORDER BY sequence") == [
        (1, "a"),
        (2, "b"),
    ]


def test_only_the_owner_may_read_the_file(new_log: NewLog, path: Path) -> None:
    """Predictions are private."""
    with new_log():
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "wrong",
    [{"time": datetime(2026, 11, 21)}, {"inputs": b"\xff"}, {"rows": 2**70}],  # noqa: DTZ001
)
def test_a_batch_that_cannot_be_stored_leaves_nothing(
    new_log: NewLog, new_entry: NewEntry, path: Path, wrong: dict[str, object]
) -> None:
    """A mistake of the caller raises as such, and the log works on."""
    with new_log() as log:
        with pytest.raises((ValueError, OverflowError)):
            log.write([new_entry("good"), new_entry("bad", **wrong)])
        assert LogReader(path).totals() == []
        log.write([new_entry("next")])
    assert rows(path, "SELECT request_id FROM requests") == [("next",)]


def test_a_second_service_is_refused_with_the_name_of_the_writer(
    new_log: NewLog, path: Path
) -> None:
    """The lock holds against other processes and lasts until the log is closed."""
    program = (
        "import sys, datetime, pathlib\n"
        "from monitoring.log.writing.prediction_log import PredictionLog\n"
        "from monitoring.log.options import LogOptions\n"
        "PredictionLog(pathlib.Path(sys.argv[1]), LogOptions(),"
        " lambda: datetime.datetime.now(datetime.UTC)).open()\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    with new_log():
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "Another service (process " in refused.stderr
    assert str(path) in refused.stderr
    subprocess.run(command, check=True)


def test_a_second_log_in_the_same_process_is_refused_too(new_log: NewLog) -> None:
    """The lock belongs to the log, not to the process."""
    with new_log(), pytest.raises(LogLockedError):
        new_log().open()


def test_threads_share_the_log(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """Events, entries and reads from several threads at once: nothing is lost or refused."""

    def write(name: str) -> None:
        for number in range(30):
            log.write([new_entry(f"{name}{number}")])
            log.event("tick", {"of": name})
            LogReader(path).totals()

    with new_log() as log:
        threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert rows(path, "SELECT count(*), max(sequence) FROM requests") == [(90, 90)]
    assert rows(path, "SELECT count(*) FROM events") == [(90,)]
    assert LogReader(path).check().holds


def test_an_event_is_kept_with_its_time(new_log: NewLog, path: Path) -> None:
    """`detail` is JSON."""
    with new_log() as log:
        log.event("swap", {"model": "iris", "to": "v2"})
    assert rows(path, "SELECT time, kind, detail FROM events") == [
        ("2026-11-21T12:00:00.000000Z", "swap", '{"model":"iris","to":"v2"}')
    ]


def test_a_closed_log_refuses_to_write(new_log: NewLog, new_entry: NewEntry) -> None:
    """Nothing reopens behind the back of a service that stops."""
    log = new_log()
    log.close()
    with pytest.raises(LogUnavailableError, match="closed"):
        log.write([new_entry()])


def test_making_a_log_opens_nothing(new_log: NewLog, path: Path) -> None:
    """Only `open` or the first write touches the disk."""
    new_log()
    assert list(path.parent.iterdir()) == []


def test_the_write_ahead_log_stays_small(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """Checkpoints move it into the database as it grows, not only at the end."""
    body = b'[{"note":"' + b"x" * 20_000 + b'"}]'
    with new_log() as log:
        for number in range(500):
            log.write([new_entry(str(number), inputs=body)])
            if number % 50 == 0:
                log.checkpoint()
        assert path.with_name(path.name + "-wal").stat().st_size < 5_000_000


def test_a_checkpoint_is_due_after_a_while_or_many_bytes(
    new_log: NewLog, new_entry: NewEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds commits up, so that there are few; with nothing to move there is none."""
    clock, body = [1000.0], b'[{"note":"' + b"x" * 1_000_000 + b'"}]'
    monkeypatch.setattr(backlog, "monotonic", lambda: clock[0])
    with new_log() as log:
        log.checkpoint()
        clock[0] += 10
        assert not log.checkpoint_is_due
        log.write([new_entry("a")])
        assert log.checkpoint_is_due
        log.checkpoint()
        log.write([new_entry("b")])
        assert not log.checkpoint_is_due
        for number in range(40):
            log.write([new_entry(str(number), inputs=body)])
        assert log.checkpoint_is_due
        log.checkpoint()
        log.write([new_entry("c")])
        assert not log.checkpoint_is_due


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep": "hashed"},
        {"personal_fields": frozenset({"name"}), "key": b"short"},
        {"retention_days": 0},
        {"retention_days": float("nan")},
        {"max_bytes": 1000},
    ],
)
def test_options_that_contradict_themselves_are_refused(wrong: dict[str, object]) -> None:
    """Each with a sentence; the key shows nowhere."""
    with pytest.raises(ValueError, match=r"\.$"):
        LogOptions(**wrong)  # type: ignore[arg-type]
    assert "secret" not in repr(LogOptions(key=b"secret" * 4))


def test_the_clock_may_jump(new_entry: NewEntry, path: Path) -> None:
    """Rows keep their order by sequence, whatever their times say."""
    years = [2026, 2038, 1999]
    with PredictionLog(path, LogOptions(), lambda: datetime.now(UTC)) as log:
        for year in years:
            log.write([new_entry(str(year), time=datetime(year, 1, 1, tzinfo=UTC))])
    assert rows(path, "SELECT request_id FROM requests ORDER BY sequence") == [
        ("2026",),
        ("2038",),
        ("1999",),
    ]


def test_monitoring_needs_no_model_library_and_no_web() -> None:
    """A service that serves a compiled model starts without them."""
    program = (
        "import pkgutil, sys, importlib, monitoring\n"
        "for module in pkgutil.iter_modules(monitoring.__path__):\n"
        "    importlib.import_module('monitoring.' + module.name)\n"
        "print({'pandas', 'sklearn', 'scipy', 'skops', 'fastapi', 'starlette', 'model_store'}"
        " & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"set()"
