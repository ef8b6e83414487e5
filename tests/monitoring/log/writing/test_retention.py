"""The log stays within its age and size, and its ledger stays true."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from monitoring.log.database.file import connect_reader, size_bytes, wal_path
from monitoring.log.errors import LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.reading.reader import LogReader
from monitoring.log.writing import backlog, retention
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.leases import Lease, Reason
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.log.writing.true_values import Feedback

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]
MEGABYTE = 1024 * 1024


def retain_all(log: PredictionLog) -> int:
    """Take steps until nothing remains, and return how many."""
    steps = 1
    while log.retain():
        steps += 1
    return steps


def logged(path: Path) -> list[str]:
    """Return the request ids in the log, in order."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        found = connection.execute("SELECT request_id FROM requests ORDER BY sequence")
        return [name for (name,) in found]


def test_requests_beyond_their_age_go_and_totals_stay(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Feedback and leases go too; totals still count removed requests, and the check holds."""
    noon = new_entry().time
    with new_log(retention_days=2) as log:
        for days in (3, 2.5, 1, 0):
            log.write([new_entry(f"{days}", rows=2, time=noon - timedelta(days=days))])
        log.add_feedback([Feedback("3", 0, "a"), Feedback("1", 0, "b")])
        log.lease([Lease(number, 1, Reason.RANDOM) for number in (1, 3)], 2, seconds=60)
        retain_all(log)
    assert logged(path) == ["1", "0"]
    [total] = LogReader(path).totals()
    assert (total.requests, total.rows) == (4, 8)
    assert (total.removed_requests, total.removed_rows) == (2, 4)
    assert LogReader(path).check().logged == {("iris", "v1"): (4, 8)}
    assert LogReader(path).check().holds
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("SELECT value FROM feedback").fetchall() == [('"b"',)]
        assert connection.execute("SELECT sequence FROM leases").fetchall() == [(3,)]


def test_a_clock_that_jumped_stops_no_retention(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Many rows dated in the future stand before an old one: it goes, they stay."""
    noon = new_entry().time
    with new_log(retention_days=2) as log:
        future = noon + timedelta(days=4000)
        log.write([new_entry(f"future{number}", time=future) for number in range(300)])
        log.write([new_entry("old", time=noon - timedelta(days=3)), new_entry("new")])
        retain_all(log)
    assert "old" not in logged(path)
    assert len(logged(path)) == 301


def test_numbers_are_never_used_twice(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """That holds even if all requests were removed: a follower would miss the next one."""
    past = new_entry().time - timedelta(days=9)
    for _ in range(2):
        with new_log(retention_days=1) as log:
            log.write([new_entry("a", time=past), new_entry("b", time=past)])
            retain_all(log)
            assert logged(path) == []
    with new_log() as log:
        log.write([new_entry("c")])
    assert [line[:14] for line in LogReader(path).export()] == ['{"sequence":5,']


def test_a_log_that_is_too_large_becomes_small(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """The oldest requests go, and their pages go back to the file system."""
    body = b'[{"note":"' + b"x" * 20_000 + b'"}]'
    with new_log() as log:
        for number in range(200):
            log.write([new_entry(str(number), inputs=body)])
    with new_log(max_bytes=MEGABYTE) as log:
        assert retain_all(log)
        log.checkpoint()
        assert path.stat().st_size <= MEGABYTE
    names = logged(path)
    assert 15 < len(names) < 60
    assert names == [str(number) for number in range(200 - len(names), 200)]
    assert LogReader(path).check().holds


@pytest.mark.slow  # writes several times the limit
@pytest.mark.parametrize("megabytes", [1, 5])
@pytest.mark.parametrize("sent", [(1, 20), (1, 100_000), (64, 20), (1, 3_000_000)])
def test_a_log_that_is_written_stays_within_its_size(
    new_log: NewLog, new_entry: NewEntry, path: Path, sent: tuple[int, int], megabytes: int
) -> None:
    """At any rate, as each commit makes room: nobody has to come and remove.

    A request that is larger than the limit by itself stays until the next one comes.
    """
    (batch, length), limit = sent, megabytes * MEGABYTE
    body = b'[{"note":"' + b"x" * length + b'"}]'
    written = 0
    with new_log(max_bytes=limit) as log:
        while written * (length + 400) < 4 * limit:
            names = [f"{written + number}" for number in range(batch)]
            log.write([new_entry(name, inputs=body) for name in names])
            written += batch
            if log.checkpoint_is_due:
                log.checkpoint()
            assert size_bytes(path) <= 1.2 * limit + 3 * length
    left = [int(name) for name in logged(path)]
    assert left == list(range(written - len(left), written))
    assert LogReader(path).check().holds


def test_a_log_that_is_written_stays_within_its_age(
    path: Path, new_entry: NewEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits remove what is too old, as they do with what is too much."""
    monkeypatch.setattr(retention, "_LOOK_SECONDS", -1.0)
    noon = new_entry().time
    now = [noon]
    with PredictionLog(path, LogOptions(retention_days=1), lambda: now[0]) as log:
        log.write([new_entry(f"old-{number}") for number in range(1_000)])
        now[0] += timedelta(days=2)
        for number in range(100):
            log.write([new_entry(f"new-{number}", time=now[0])])
    assert logged(path) == [f"new-{number}" for number in range(100)]
    assert LogReader(path).check().holds


def test_damage_among_old_requests_prevents_no_new_ones(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """It is the steps between commits that report it."""
    with new_log() as log:
        log.write([new_entry(f"{number}", inputs=b"x" * 500) for number in range(4_000)])
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute(
            "CREATE TRIGGER damage BEFORE DELETE ON requests "
            "BEGIN SELECT raise(ABORT, 'a damaged page'); END"
        )
    with new_log(max_bytes=MEGABYTE) as log:
        for number in range(100):
            log.write([new_entry(f"new-{number}", inputs=b"x" * 1_000)])
        with pytest.raises(LogUnavailableError, match="a damaged page"):
            log.retain()
    assert len(logged(path)) == 4_100


def test_what_a_reader_made_of_the_write_ahead_log_is_cut(
    new_log: NewLog, new_entry: NewEntry, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the reader has left, also where nothing is written any more."""
    monkeypatch.setattr(backlog, "AGAIN_SECONDS", 0.0)
    share = LogOptions(max_bytes=8 * MEGABYTE).longest_wal_bytes
    with new_log(max_bytes=8 * MEGABYTE) as log:
        with contextlib.closing(connect_reader(path)) as reader:
            reader.execute("BEGIN; SELECT count(*) FROM requests").fetchall()
            for number in range(100):
                log.write([new_entry(f"{number}", inputs=b"x" * 50_000)])
            log.checkpoint()
            assert wal_path(path).stat().st_size > share
            assert log.checkpoint_is_due
            log.checkpoint()
            assert wal_path(path).stat().st_size > share
        assert log.checkpoint_is_due
        log.checkpoint()
        assert wal_path(path).stat().st_size <= share
        assert not log.checkpoint_is_due
        assert len(logged(path)) > 50


def test_removed_rows_cannot_be_read_from_the_file(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """A deleted row is overwritten, not only forgotten."""
    noon = new_entry().time
    with new_log(retention_days=1) as log:
        body = b'[{"note":"confidential"}]'
        log.write([new_entry("a", inputs=body, time=noon - timedelta(days=2))])
        log.write([new_entry("b")])
        log.checkpoint()
        assert b"confidential" in path.read_bytes()
        retain_all(log)
        log.checkpoint()
        assert b"confidential" not in path.read_bytes()


def test_without_limits_nothing_is_removed(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """All stays, however old."""
    with new_log() as log:
        log.write([new_entry("a", time=new_entry().time - timedelta(days=9999))])
        assert retain_all(log) == 1
    assert logged(path) == ["a"]
