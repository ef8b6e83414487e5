"""The file of the log: others read it, move it, remove it, or put something else in its place."""

import contextlib
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from monitoring.log.database.schema import SCHEMA
from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.service import new_folder, refused_start, started

READ_AND_CLOSE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM requests").fetchone()[0])
connection.close()
"""


def read_by_another_program(log: Path) -> int:
    """Open the log as any program would, able to write; read, and close it."""
    command = [sys.executable, "-c", READ_AND_CLOSE, str(log)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def wal_inode(log: Path) -> int:
    """Return the inode of the log's write-ahead log; 0 if there is none."""
    wal = log.with_name(f"{log.name}-wal")
    return wal.stat().st_ino if wal.exists() else 0


@pytest.mark.slow  # a service is started, and killed
def test_other_programs_may_read_the_log_while_it_is_written(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Opened and closed between scrapes by another program, then `kill -9`: nothing is lost.

    SQLite's locks end with any descriptor that the process closes on the file
    (https://www.sqlite.org/howtocorrupt.html, 2.2); the other program would then delete the
    write-ahead log under its writer.
    """
    fault = new_fault("another program opens and closes the log")
    for _ in range(rounds):
        folder, ledger = new_folder(tmp_path), Ledger()
        with started(folder, sums.root) as service, Load(service.port, ledger) as load:
            load.wait_for_calls(20)
            before = wal_inode(service.log)
            for _ in range(3):
                service.scrape()
                service.get("/health/ready")
                read_by_another_program(service.log)
                fault.count("opened and closed")
                load.wait_for_calls(random.randrange(1, 50))  # noqa: S311 - pytest-randomly seeds it
            after = wal_inode(service.log)
            service.kill()
        fault.add(ledger.compare([service.log], sums.judge))
        assert before == after, "The write-ahead log was deleted under its writer."


def make_text(log: Path) -> None:
    """Put a text in the log's place."""
    log.write_text("no database\n" * 100)


def make_other_database(log: Path) -> None:
    """Put a database of somebody else in the log's place."""
    with contextlib.closing(sqlite3.connect(log)) as connection:
        connection.execute("CREATE TABLE requests (name TEXT)")


def make_later_format(log: Path) -> None:
    """Put the log of a later version of the template in the log's place."""
    with contextlib.closing(sqlite3.connect(log)) as connection:
        connection.executescript(f"{SCHEMA} PRAGMA user_version = 99;")


MAKERS: tuple[Callable[[Path], None], ...] = (
    make_text,
    make_other_database,
    make_later_format,
    Path.mkdir,
)


@pytest.mark.slow  # services are started
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_file_that_is_no_log_is_named_and_left_alone(
    sums: Sums, tmp_path: Path, new_fault: NewFault, make: Callable[[Path], None]
) -> None:
    """The service does not start; one sentence names the path and what to do."""
    fault = new_fault("no log in the log's place")
    log = tmp_path / "predictions.sqlite"
    make(log)
    content = log.read_bytes() if log.is_file() else b""
    sentence = refused_start(tmp_path, sums.root)
    assert str(log) in sentence
    assert "move it away" in sentence
    assert (log.read_bytes() if log.is_file() else b"") == content
    fault.count("refused with a sentence")
    fault.rounds += 1


def remove(log: Path, kept: Path) -> None:
    """Remove the log's file, of which a link elsewhere is kept to be read afterwards."""
    kept.hardlink_to(log)
    log.unlink()


def rotate(log: Path, kept: Path) -> None:
    """Move the log's file away, as a rotation does."""
    log.rename(kept)


def replace_by_folder(log: Path, kept: Path) -> None:
    """Move the log's file away, and put a folder in its place for a moment."""
    log.rename(kept)
    log.mkdir()
    time.sleep(1.5)
    log.rmdir()


@pytest.mark.slow  # a service is started, and checks the file once a second
def test_a_log_that_is_taken_away_is_replaced(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """A new file goes on, an event records it, and the old one is whole."""
    fault = new_fault("the log's file unlinked, moved, replaced by a folder while open")
    for number in range(rounds):
        folder, ledger = new_folder(tmp_path), Ledger()
        take_away = (remove, rotate, replace_by_folder)[number % 3]
        kept = folder / "kept.sqlite"
        with started(folder, sums.root) as service:
            with Load(service.port, ledger) as load:
                load.wait_for_calls(random.randrange(1, 300))  # noqa: S311 - pytest-randomly seeds it
                take_away(service.log, kept)
                deadline = time.monotonic() + PATIENCE_SECONDS
                while not service.log.is_file():
                    assert time.monotonic() < deadline, "No new log is made."
                    time.sleep(0.01)
                load.wait_for_calls(100)
            assert service.server.stop()[0] == 0
        kinds = event_kinds(folder / "predictions.sqlite")
        assert "log-replaced" in kinds
        found = ledger.compare([kept, service.log], sums.judge)
        fault.count("refused with 503", found.refused[503])
        fault.add(found)


def event_kinds(log: Path) -> list[str]:
    """Return the kinds of the events in a log."""
    with contextlib.closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM events")]


WRITE_SLOWLY = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN IMMEDIATE")
print("writing", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
connection.close()
"""


@pytest.mark.slow  # the other program takes its time
def test_another_program_that_holds_the_log_delays_nobody_for_long(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Its write transaction is reported as a log that cannot be written, and ends by itself."""
    fault = new_fault("another program holds the log's write lock")
    ledger = Ledger()
    with started(tmp_path, sums.root) as service:
        for _ in range(rounds):
            with Load(service.port, ledger, pause_seconds=0.005) as load:
                load.wait_for_calls(20)
                seconds = random.uniform(0.3, 1)  # noqa: S311 - pytest-randomly seeds it
                command = [sys.executable, "-c", WRITE_SLOWLY, str(service.log), str(seconds)]
                with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
                    assert writer.stdout
                    assert writer.stdout.readline() == "writing\n"
                    load.wait_for_calls(20)
                ended = time.monotonic()
                time.sleep(0.2)
                load.wait_for_calls(50)
            assert ledger.statuses(since=ended + 0.2).keys() == {200}
        found = ledger.compare([service.log], sums.judge)
    assert found.unknown == 0
    assert found.refused_but_logged == 0
    assert found.refused.keys() <= {503}
    slowest = max(call.ended - call.sent for call in ledger.calls)
    fault.most("slowest answer (s)", slowest)
    fault.count("refused with 503", found.refused[503])
    fault.add(found, rounds)


@pytest.mark.slow  # the service checks its files once a second
def test_a_write_ahead_log_that_is_removed_is_noticed(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Removing `predictions.sqlite-wal` under the service loses no answer."""
    fault = new_fault("the write-ahead log is removed while open")
    for _ in range(rounds):
        folder, ledger = new_folder(tmp_path), Ledger()
        with started(folder, sums.root) as service:
            with Load(service.port, ledger, pause_seconds=0.005) as load:
                load.wait_for_calls(random.randrange(1, 300))  # noqa: S311 - pytest-randomly seeds it
                for ending in random.sample(["-wal", "-shm"], random.randrange(1, 3)):  # noqa: S311
                    service.log.with_name(f"{service.log.name}{ending}").unlink()
                time.sleep(1.5)
                load.wait_for_calls(20)
                service.kill()
            found = ledger.compare([service.log], sums.judge)
        fault.add(found)


@pytest.mark.slow  # services are started
def test_a_second_service_is_refused_until_the_first_one_is_gone(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """One sentence names the process that has the log; `kill -9` gives it free."""
    fault = new_fault("two services on one log")
    folder, ledger = new_folder(tmp_path), Ledger()
    for _ in range(rounds):
        with (
            started(folder, sums.root) as first,
            Load(first.port, ledger, pause_seconds=0.02) as load,
        ):
            load.wait_for_calls(20)
            sentence = refused_start(folder, sums.root)
            assert f"Another service (process {first.pid})" in sentence
            fault.count("refused with a sentence")
            load.wait_for_calls(20)
            first.kill()
    with started(folder, sums.root) as third:
        fault.add(ledger.compare([third.log], sums.judge), rounds)
