"""The database file of the log: made whole or not at all, and checked before it is touched."""

import contextlib
import os
import sqlite3
import stat
from pathlib import Path
from typing import Literal

from monitoring.errors import LogFormatError, LogUnavailableError
from monitoring.schema import APPLICATION_ID, FORMAT_NUMBER, SCHEMA

Identity = tuple[int, int]

# https://www.sqlite.org/fileformat.html, section 1.3: user_version at 60, application_id at 68.
_HEADER_BYTES = 100

# Only an outsider who writes to the log can keep it busy, and predictions must not wait for one.
_BUSY_SECONDS = 0.1


def identity(path: Path) -> Identity | None:
    """Return what tells this file from another one of its name; None where there is none."""
    try:
        there = os.stat(path)  # noqa: PTH116 - asked at every write, so it must be quick
    except (FileNotFoundError, NotADirectoryError):
        return None
    return there.st_dev, there.st_ino


def size_bytes(path: Path) -> int:
    """Return what the log takes on disk: the database and its write-ahead log."""
    total = 0
    for part in (path, _beside(path, "-wal")):
        with contextlib.suppress(FileNotFoundError):
            total += part.stat().st_size
    return total


def check_format(path: Path) -> None:
    """Refuse what is no prediction log, changing nothing.

    Raises:
        LogFormatError: Something else stands at the path, or a log of another format.
    """
    advice = "It was left as it is: move it away, or set another path."
    if not stat.S_ISREG(path.stat().st_mode):
        raise LogFormatError(f"{path} is no file, so it cannot be the prediction log. {advice}")
    # As bytes: a checkpoint that was cut short leaves a file that SQLite opens only with its WAL.
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(b"SQLite format 3\0"):
        raise LogFormatError(f"{path} is no SQLite database. {advice}")
    number = int.from_bytes(header[60:64], "big")
    application = int.from_bytes(header[68:72], "big")
    if application != APPLICATION_ID:
        raise LogFormatError(f"{path} is a SQLite database, but no prediction log. {advice}")
    if number != FORMAT_NUMBER:
        raise LogFormatError(
            f"{path} is a prediction log of format {number}, and this service writes format "
            f"{FORMAT_NUMBER}. {advice}"
        )


def create_missing(path: Path) -> bool:
    """Make an empty log where there is none (or an empty file), and say whether it was made.

    It is made beside and renamed, so that a reader or a later start never meets a half-made one.

    Raises:
        OSError, sqlite3.Error: It cannot be made; nothing is left behind.
    """
    if identity(path) is not None and (not path.is_file() or path.stat().st_size > 0):
        return False
    new = _beside(path, ".new")
    new.unlink(missing_ok=True)
    try:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.executescript(SCHEMA)
        # SQLite would play the write-ahead log of a removed database back into this one.
        for orphan in (_beside(path, "-wal"), _beside(path, "-shm")):
            orphan.unlink(missing_ok=True)
        new.replace(path)
    except BaseException:
        for part in (new, _beside(new, "-journal")):
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return True


def connect_writer(
    path: Path, durability: Literal["normal", "full"], connection_class: type[sqlite3.Connection]
) -> sqlite3.Connection:
    """Open the one writing connection; a killed writer's log is recovered here.

    Raises:
        sqlite3.Error: The file cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        factory=connection_class,
    )
    try:
        # A file system without shared memory refuses or ignores this; then it says so itself, or
        # commits are as safe and only slower.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {durability}")
        connection.execute("PRAGMA foreign_keys = ON")
        # What retention removes must not stay readable in the file.
        connection.execute("PRAGMA secure_delete = ON")
        # A reader that takes long lets the write-ahead log grow; afterwards it shrinks again.
        connection.execute("PRAGMA journal_size_limit = 4194304")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that can only read, and that never holds the writer up.

    Raises:
        LogUnavailableError: There is no log at the path, or it cannot be read.
    """
    if identity(path) is None:
        raise LogUnavailableError(f"There is no prediction log at {path} yet.")
    try:
        check_format(path)
        return _readable(path, "mode=ro")
    except (sqlite3.Error, OSError) as error:
        with contextlib.suppress(sqlite3.Error):
            if not _beside(path, "-wal").exists():
                # In a read-only folder SQLite can't make the files beside the database that it
                # shares with a writer. There is no writer, so it is told not to look for one.
                return _readable(path, "mode=ro&immutable=1")
        raise LogUnavailableError(f"The prediction log {path} cannot be read: {error}.") from error


def _readable(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
