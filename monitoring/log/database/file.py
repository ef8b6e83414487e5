"""The database file of the log: made whole or not at all, and checked before it is touched."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import apsw

from monitoring.log.database.queries import row
from monitoring.log.database.schema import (
    APPLICATION_ID,
    FORMAT_NUMBER,
    OLDEST_FORMAT,
    PAGE_BYTES,
    SCHEMA,
    format_of,
)
from monitoring.log.errors import LogFormatError, LogUnavailableError
from monitoring.log.options import LogOptions

Identity = tuple[int, int]

_ADVICE = "It was left as it is: move it away, or set another path."

# Only an outsider who writes to the log can keep it busy, and predictions must not wait for one.
BUSY_MILLISECONDS = 100
# A reader waits for as long as the recovery of a killed writer's log may take.
_READER_BUSY_MILLISECONDS = 5_000


def identity(path: Path) -> Identity | None:
    """Return what distinguishes this file from another of its name; None where there is none."""
    try:
        there = os.stat(path)  # noqa: PTH116 - asked at every write, so it must be quick
    except (FileNotFoundError, NotADirectoryError):
        return None
    return there.st_dev, there.st_ino


def wal_path(path: Path) -> Path:
    """Return where a log's write-ahead log is."""
    return _beside(path, "-wal")


def sync_file(path: Path) -> None:
    """Write a file through to the disk, as far as that is possible now; never the database.

    To close a descriptor of the database would drop SQLite's locks: see `check_format`.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


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
        apsw.Error: It cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise LogFormatError(f"{path} is no file, so it cannot be the prediction log. {_ADVICE}")
    # Never by a descriptor of our own: closing one drops every lock that SQLite has on the file in
    # this process (https://www.sqlite.org/howtocorrupt.html, 2.2), and then the next program that
    # closes the log deletes the write-ahead log under the writer.
    with contextlib.closing(_connect(path, "mode=ro")) as connection:
        _check_numbers(path, connection)


def _check_numbers(path: Path, connection: apsw.Connection) -> None:
    try:
        [application] = row(connection, "PRAGMA application_id")
        number = format_of(connection)
    except apsw.NotADBError as error:
        raise LogFormatError(f"{path} is no SQLite database. {_ADVICE}") from error
    if application != APPLICATION_ID:
        raise LogFormatError(f"{path} is a SQLite database, but no prediction log. {_ADVICE}")
    if not OLDEST_FORMAT <= number <= FORMAT_NUMBER:
        raise LogFormatError(
            f"{path} is a prediction log of format {number}, and this service writes format "
            f"{FORMAT_NUMBER}. {_ADVICE}"
        )


def create_missing(path: Path) -> bool:
    """Make an empty log where there is none (or an empty file), and say whether it was made.

    It is made beside and renamed, so that a reader or a later start never meets a half-made one.

    Raises:
        OSError, apsw.Error: It cannot be made; nothing is left behind.
    """
    if identity(path) is not None and (not path.is_file() or path.stat().st_size > 0):
        return False
    new = _beside(path, ".new")
    new.unlink(missing_ok=True)
    try:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with contextlib.closing(apsw.Connection(os.fspath(new))) as connection:
            connection.execute(SCHEMA)
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
    path: Path, options: LogOptions, connection_class: type[apsw.Connection]
) -> apsw.Connection:
    """Open the one writing connection; a killed writer's log is recovered here.

    Raises:
        apsw.Error: The file cannot be opened.
    """
    connection = connection_class(os.fspath(path), apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        # A file system without shared memory refuses or ignores this; then it says so itself, or
        # commits are as safe and only slower.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {options.durability}")
        connection.execute("PRAGMA foreign_keys = ON")
        # What retention removes must not stay readable in the file.
        connection.execute("PRAGMA secure_delete = ON")
        # `PredictionLog.checkpoint` comes first; this is for who never calls it.
        connection.execute(f"PRAGMA wal_autocheckpoint = {options.longest_wal_bytes // PAGE_BYTES}")
        # A reader that takes long lets the write-ahead log grow; afterwards it shrinks again.
        connection.execute(f"PRAGMA journal_size_limit = {options.longest_wal_bytes}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> apsw.Connection:
    """Open a connection that can only read, and that never holds the writer up.

    Raises:
        LogUnavailableError: There is no log at the path, or it cannot be read.
    """
    if identity(path) is None:
        raise LogUnavailableError(f"There is no prediction log at {path} yet.")
    try:
        return _readable(path, "mode=ro")
    except (apsw.Error, OSError) as error:
        with contextlib.suppress(apsw.Error):
            if not _beside(path, "-wal").exists():
                # In a read-only folder SQLite can't make the files beside the database that it
                # shares with a writer. There is no writer, so SQLite is opened as immutable.
                return _readable(path, "mode=ro&immutable=1")
        raise LogUnavailableError(f"The prediction log {path} cannot be read: {error}.") from error


@contextlib.contextmanager
def reading(path: Path) -> Iterator[apsw.Connection]:
    """Open a connection for one query, and close it again.

    Raises:
        LogUnavailableError: There is no log at the path, or it cannot be read.
    """
    with contextlib.closing(connect_reader(path)) as connection:
        try:
            yield connection
        # A text that is no UTF-8 is damage, too.
        except (apsw.Error, UnicodeDecodeError) as error:
            raise LogUnavailableError(
                f"The prediction log {path} cannot be read: {error}.{_older(connection)}"
            ) from error


def _older(connection: apsw.Connection) -> str:
    """Return a sentence where a log lacks what came after its format; empty where it does not."""
    with contextlib.suppress(apsw.Error):
        if (number := format_of(connection)) < FORMAT_NUMBER:
            return (
                f" It is of format {number}; the service makes one of format {FORMAT_NUMBER} of "
                "it at its next start."
            )
    return ""


def _readable(path: Path, mode: str) -> apsw.Connection:
    connection = _connect(path, mode)
    try:
        _check_numbers(path, connection)
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str) -> apsw.Connection:
    connection = apsw.Connection(
        f"{path.as_uri()}?{mode}", apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    )
    connection.set_busy_timeout(_READER_BUSY_MILLISECONDS)
    return connection


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
