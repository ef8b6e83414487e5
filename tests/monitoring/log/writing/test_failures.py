"""A log that cannot be written raises, loses nothing and logs nothing twice."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from monitoring.log.database.schema import FORMAT_NUMBER
from monitoring.log.database.views import ViewColumn
from monitoring.log.errors import LogFormatError, LogLockedError, LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.reading.reader import LogReader
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from tests.monitoring.conftest import NOON

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]


def logged(path: Path) -> list[str]:
    """Return the request ids in the log, in order."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        found = connection.execute("SELECT request_id FROM requests ORDER BY sequence")
        return [name for (name,) in found]


@dataclass
class Fault:
    """An I/O error at the n-th statement from now, before or after SQLite did it."""

    countdown: int
    after: bool
    only: str = ""
    statements: int = 0

    def due(self, statement: str) -> bool:
        """Count a statement and return whether it fails."""
        if not statement.startswith(self.only):
            return False
        self.statements += 1
        self.countdown -= 1
        return self.countdown == 0


def failing(fault: Fault) -> type[apsw.Connection]:
    """Return a connection that fails as `Fault` says."""

    class FailingConnection(apsw.Connection):
        def execute(self, statements: str, bindings: Any = (), **options: Any) -> apsw.Cursor:
            return self._do(statements, super().execute, bindings)

        def executemany(
            self, statements: str, sequenceofbindings: Any, **options: Any
        ) -> apsw.Cursor:
            return self._do(statements, super().executemany, sequenceofbindings)

        def _do(self, sql: str, do: Callable[..., apsw.Cursor], parameters: Any) -> apsw.Cursor:
            due = fault.due(sql)
            if due and not fault.after:
                raise apsw.IOError("disk I/O error")
            done = do(sql, parameters)
            if due:
                done.close()
                raise apsw.IOError("disk I/O error")
            return done

    return FailingConnection


@pytest.mark.parametrize("after", [False, True])
def test_an_error_at_any_statement_loses_and_doubles_nothing(
    tmp_path: Path, new_entry: NewEntry, *, after: bool
) -> None:
    """Every statement fails once, also a commit after its last byte; the caller sends again."""
    for countdown in range(1, 100):
        fault = Fault(countdown, after)
        log = PredictionLog(
            tmp_path / f"{countdown}.sqlite",
            LogOptions(),
            lambda: datetime.now(UTC),
            connection_class=failing(fault),
        )
        refusals = 0
        for batch in (["a", "b"], ["c"], ["d"]):
            entries = [new_entry(name) for name in batch]
            entries.append(new_entry("f", outcome="failed"))
            try:
                log.write(entries)
            except LogUnavailableError:
                refusals += 1
                log.write(entries)
        assert logged(log.path) == ["a", "b", "c", "d"]
        assert [total.requests for total in LogReader(log.path).totals()] == [4, 3]
        reached = fault.countdown <= 0
        log.close()
        if not reached:
            break
        assert refusals == 1
    assert countdown > 15, "the faults did not reach every statement"


def test_a_refused_batch_does_not_come_back(path: Path, new_entry: NewEntry) -> None:
    """That holds also if its commit failed after the last byte and nobody sends it again."""
    fault = Fault(-1, after=True, only="COMMIT")
    log = PredictionLog(
        path, LogOptions(), lambda: datetime.now(UTC), connection_class=failing(fault)
    )
    log.write([new_entry("a")])
    fault.countdown = 1
    with pytest.raises(LogUnavailableError, match="disk I/O error"):
        log.write([new_entry("b"), new_entry("f", outcome="failed")])
    log.event("tick", {})
    assert logged(path) == ["a"]
    log.write([new_entry("c")])
    assert logged(path) == ["a", "c"]
    assert LogReader(path).check().holds
    log.close()


DISK_FULL = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from monitoring.log.writing.batch import Entry
from monitoring.log.errors import LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.writing.prediction_log import PredictionLog

log = PredictionLog(Path(sys.argv[1]), LogOptions(), lambda: datetime.now(UTC))
number = refused = 0
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
for _ in range(2):
    try:
        log.open()
    except LogUnavailableError as error:
        assert "its disk has room" in str(error), error
    else:
        raise SystemExit("opened on a full disk")
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
while refused < 5:
    number += 1
    entry = Entry(str(number), datetime.now(UTC), "m", "v", "answered", 1, 0.1,
                  b'[{"a":"' + b"x" * 5000 + b'"}]', b'[{"b":1}]')
    try:
        log.write([entry])
        print(number)
    except LogUnavailableError:
        refused += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
log.write([entry])
print(number)
"""


def test_a_full_disk_refuses_and_recovers_by_itself(path: Path) -> None:
    """A limit on the size of files stands for the full disk; what was acknowledged stays.

    It is full before there is a log, then it has some room, then enough.
    """
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.split()) > 10
    assert logged(path) == done.stdout.split()
    assert LogReader(path).check().holds


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Give up root's right to write everywhere, where the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_read_only_folder_raises_and_is_recovered_from(new_entry: NewEntry) -> None:
    """The log object stays usable: the first write after the folder became writable succeeds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = PredictionLog(folder / "log.sqlite", LogOptions(), lambda: datetime.now(UTC))
        folder.chmod(0o555)
        with unprivileged(), pytest.raises(LogUnavailableError, match="folder is writable"):
            log.open()
        assert list(folder.iterdir()) == []
        folder.chmod(0o777)
        with unprivileged():
            log.write([new_entry("a")])
            log.close()
        folder.chmod(0o555)
        with unprivileged():
            assert LogReader(log.path).check().ledger == {("iris", "v1"): (1, 1)}
        folder.chmod(0o755)


def sqlite_file(path: Path, *statements: str) -> None:
    """Make a database that is not ours."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_file_that_is_no_prediction_log_is_named_and_left_alone(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """A text, another SQLite database, and a log of a later format."""
    later = (
        "PRAGMA application_id = 1347186535",
        f"PRAGMA user_version = {FORMAT_NUMBER + 1}",
        "CREATE TABLE t (x)",
    )
    for make, reason in (
        (lambda: path.write_text("time,value\n" * 1000), "is no SQLite database"),
        (lambda: sqlite_file(path, "CREATE TABLE theirs (x)"), "but no prediction log"),
        (lambda: sqlite_file(path, *later), f"of format {FORMAT_NUMBER + 1}"),
    ):
        make()
        before = path.read_bytes()
        log = new_log()
        with pytest.raises(LogFormatError, match=reason) as error:
            log.open()
        assert str(path) in str(error.value)
        with pytest.raises(LogFormatError):
            log.write([new_entry()])
        log.close()
        assert path.read_bytes() == before
        path.unlink()


def test_a_directory_in_the_logs_place_is_named(new_log: NewLog, path: Path) -> None:
    """Once it is gone, the log opens."""
    path.mkdir()
    log = new_log()
    with pytest.raises(LogFormatError, match="is no file"):
        log.open()
    path.rmdir()
    log.open()
    log.close()


def test_an_empty_file_becomes_a_log(new_log: NewLog, path: Path) -> None:
    """`touch` destroys nothing."""
    path.touch()
    with new_log():
        assert LogReader(path).totals() == []


def test_a_removed_file_is_noticed_at_the_next_write(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """A new file takes the entry, records what happened, has the views, and is still locked."""
    log = new_log()
    log.declare("iris", [ViewColumn("petal_length", "number", "input")])
    log.write([new_entry("a")])
    path.unlink()
    log.write([new_entry("b")])
    assert logged(path) == ["b"]
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("SELECT kind FROM events").fetchall() == [("log-replaced",)]
        assert connection.execute("SELECT petal_length FROM rows_iris").fetchall() == [(5.2,)]
    with pytest.raises(LogLockedError):
        new_log().open()
    assert LogReader(path).check().holds
    log.close()


def test_a_file_moved_away_is_whole_and_a_new_one_goes_on(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """`mv` is a way to rotate the log."""
    log = new_log()
    log.write([new_entry("a"), new_entry("b")])
    old = path.rename(path.with_name("old.sqlite"))
    log.write([new_entry("c")])
    log.write([new_entry("d")])
    log.close()
    assert logged(path) == ["c", "d"]
    assert logged(old)[:2] == ["a", "b"]


def test_a_removed_folder_is_made_again(tmp_path: Path, new_entry: NewEntry) -> None:
    """It gets the lock too, so that a second service is still refused."""
    path = tmp_path / "local_data" / "log.sqlite"
    log = PredictionLog(path, LogOptions(), lambda: datetime.now(UTC))
    log.write([new_entry("a")])
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    log.write([new_entry("b")])
    assert logged(path) == ["b"]
    with pytest.raises(LogLockedError):
        PredictionLog(path, LogOptions(), lambda: datetime.now(UTC)).open()
    log.close()


def test_leftovers_of_a_removed_log_do_not_enter_the_new_one(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """SQLite would play an orphaned write-ahead log into the database of its name."""
    with new_log() as log:
        log.write([new_entry("a")])
        wal = path.with_name(path.name + "-wal").read_bytes()
    path.unlink()
    path.with_name(path.name + "-wal").write_bytes(wal)
    with new_log():
        assert logged(path) == []


def test_a_checkpoint_that_was_cut_short_loses_nothing(tmp_path: Path, new_entry: NewEntry) -> None:
    """Its first page may name more pages than the file has: the rest is in the WAL beside it."""
    whole, cut = tmp_path / "whole.sqlite", tmp_path / "cut.sqlite"
    log = PredictionLog(whole, LogOptions(), lambda: NOON)
    log.open()
    log.checkpoint()
    for number in range(200):
        log.write([new_entry(request_id=str(number))])
    shutil.copy(whole, cut)
    shutil.copy(f"{whole}-wal", f"{cut}-wal")
    log.close()

    # What a checkpoint does first: the newest copy of page 1 goes from the WAL into the file.
    wal = Path(f"{cut}-wal").read_bytes()
    page_bytes = int.from_bytes(wal[8:12], "big")
    frames = range(32, len(wal), 24 + page_bytes)
    newest = max(at for at in frames if int.from_bytes(wal[at : at + 4], "big") == 1)
    with cut.open("r+b") as file:
        file.write(wal[newest + 24 : newest + 24 + page_bytes])
    named = int.from_bytes(cut.read_bytes()[28:32], "big")
    assert named * page_bytes > cut.stat().st_size, "the harness made no unfinished checkpoint"

    with PredictionLog(cut, LogOptions(), lambda: NOON) as again:
        again.write([new_entry(request_id="next")])
    assert LogReader(cut).check().holds
    assert len(list(LogReader(cut).export())) == 201
