"""A second process writes the log while the service does."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from monitoring.log.database.file import connect_reader, wal_path
from monitoring.log.errors import LogFormatError, LogUnavailableError
from monitoring.log.reading.reader import LogReader
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.outside import OutsideWriter
from monitoring.log.writing.prediction_log import PredictionLog

NewLog = Callable[..., PredictionLog]
NewEntry = Callable[..., Entry]
SECRET = b"customer-4711"
ERASE = "UPDATE requests SET inputs = NULL WHERE sequence BETWEEN ? AND ?"

# Removes the inputs of the first hundred requests, ten at a time, in a process of its own.
OUTSIDER = """
import sys
from pathlib import Path
from monitoring.log.writing.outside import OutsideWriter
with OutsideWriter(Path(sys.argv[1])) as outside:
    for first in range(1, 101, 10):
        outside.transact(lambda log: log.execute(sys.argv[2], (first, first + 9)))
    assert outside.purge()
"""


def test_both_write_and_nothing_is_lost(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """The service writes on meanwhile; what was overwritten is in no file any more."""
    with new_log() as log:
        log.write([new_entry(f"{i}", inputs=b'[{"who":"' + SECRET + b'"}]') for i in range(100)])
        command = [sys.executable, "-c", OUTSIDER, str(path), ERASE]
        with subprocess.Popen(command) as outsider:
            written = 100
            while outsider.poll() is None:
                log.write([new_entry(f"during-{written}")])
                written += 1
        assert outsider.returncode == 0
        log.write([new_entry("after")])
        # By the bytes, but never of the open database: see `check_format`.
        assert SECRET not in wal_path(path).read_bytes()
    assert SECRET not in path.read_bytes()
    assert LogReader(path).check().holds
    kept = [line for line in LogReader(path).export() if '"inputs":null' in line]
    assert len(kept) == 100
    assert len(list(LogReader(path).export())) == written + 1


def test_a_transaction_that_fails_leaves_nothing(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """The next one begins anew."""

    def fails(log: apsw.Connection) -> None:
        log.execute(ERASE, (1, 9))
        raise ZeroDivisionError

    with new_log() as log, OutsideWriter(path) as outside:
        log.write([new_entry()])
        with pytest.raises(ZeroDivisionError):
            outside.transact(fails)
        with pytest.raises(LogUnavailableError, match="no such table: absent"):
            outside.transact(lambda log: log.execute("DELETE FROM absent"))
        assert outside.transact(lambda log: log.execute("SELECT 1").fetchall()) == [(1,)]
    assert all('"inputs":null' not in line for line in LogReader(path).export())


def test_a_reader_that_stays_keeps_the_write_ahead_log(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """It is emptied as soon as the reader has left."""
    with new_log() as log, contextlib.closing(connect_reader(path)) as reader:
        reader.execute("BEGIN; SELECT count(*) FROM requests").fetchall()
        log.write([new_entry()])
        with OutsideWriter(path) as outside:
            assert not outside.purge(patience_seconds=0.1)
            leave = threading.Timer(0.1, lambda: reader.execute("COMMIT"))
            leave.start()
            assert outside.purge()
            leave.join()
        assert wal_path(path).stat().st_size == 0


def test_what_is_no_log_of_this_format_is_left_alone(new_log: NewLog, path: Path) -> None:
    """None is made, and none is upgraded: the service does both."""
    with pytest.raises(LogUnavailableError, match="no prediction log"), OutsideWriter(path):
        pass
    assert not path.exists()
    with new_log():
        pass
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(LogFormatError, match="start it once"), OutsideWriter(path):
        pass
    with pytest.raises(LogUnavailableError, match="not open"):
        OutsideWriter(path).purge()
