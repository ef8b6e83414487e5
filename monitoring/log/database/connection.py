"""The one writing connection, and whether what it writes is still what others find."""

import contextlib
import os
from pathlib import Path
from time import monotonic
from typing import Literal

import apsw

from monitoring.log.database.checkpointer import Checkpointer
from monitoring.log.database.file import (
    BUSY_MILLISECONDS,
    Identity,
    check_format,
    connect_writer,
    create_missing,
    identity,
    sync_file,
    wal_path,
)
from monitoring.log.database.lock import LogLock
from monitoring.log.options import LogOptions

# How often it is looked whether the lock still stands; whether the files do, after each commit.
_LOOK_SECONDS = 1.0


class LogConnection:
    """Opens the log file under its lock, made where it is missing, and notices its removal.

    To be used by one thread at a time, but for `checkpoint_ahead`.
    """

    def __init__(
        self,
        path: Path,
        options: LogOptions,
        connection_class: type[apsw.Connection],
    ) -> None:
        self._path = path
        self._wal_path = wal_path(path)
        self._options = options
        self._connection_class = connection_class
        self._lock = LogLock(path)
        self._checkpointer = Checkpointer(path, options)
        self._connection: apsw.Connection | None = None
        self._identity: Identity | None = None
        self._wal_identity: Identity | None = None
        self._wal_size = 0
        self._tried_size = 0
        self._look_again = 0.0
        self.replaced = False
        """Whether the last opening found, or made, another file than the one before."""
        self.created = False
        """Whether the last opening made the file."""

    def current(self) -> apsw.Connection | None:
        """Return the connection if its files and its lock stand; None if it is to be opened."""
        if self._connection is None or monotonic() < self._look_again:
            return self._connection
        self._look_again = monotonic() + _LOOK_SECONDS
        stands = self.stands()
        if stands and self._lock.held():
            return self._connection
        if not stands:
            # A file that was moved away is whole only with what is not yet moved into it.
            self.checkpoint("TRUNCATE")
        self.close()
        return None

    def open(self) -> apsw.Connection:
        """Connect to the log at the path.

        Raises:
            LogLockedError: Another service writes it.
            LogFormatError: Something else stands there.
            OSError, apsw.Error: It cannot be made or opened.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        self.created = create_missing(self._path)
        check_format(self._path)
        self._connection = connect_writer(self._path, self._options, self._connection_class)
        there = identity(self._path)
        self.replaced = self._identity is not None and (self.created or there != self._identity)
        return self._connection

    def opened(self) -> None:
        """Note that the log which was opened is the one that counts."""
        self._identity, self._wal_identity = identity(self._path), identity(self._wal_path)
        self._checkpointer.open()

    def stands(self) -> bool:
        """Return whether the files that are written are those that others find."""
        try:
            wal = os.stat(self._wal_path)  # noqa: PTH116 - asked at every write
        except (FileNotFoundError, NotADirectoryError):
            self._wal_size, found = 0, None
        else:
            self._wal_size, found = wal.st_size, (wal.st_dev, wal.st_ino)
        return found == self._wal_identity and identity(self._path) == self._identity

    def relieve(self) -> bool:
        """Checkpoint where the write-ahead log, as `stands` found it, is too long; return whether.

        The disk was slow, then. Where a reader keeps it long, it is tried now and then.
        """
        if self._wal_size <= self._options.full_wal_bytes:
            self._tried_size = 0
            return False
        if self._wal_size <= self._tried_size + self._options.wal_bytes:
            return False
        self._tried_size = self._wal_size
        self.checkpoint_ahead()
        self.checkpoint("PASSIVE")
        return True

    def doubt(self) -> None:
        """Look at the files and the lock the next time, however soon that is."""
        self._look_again = 0.0

    def checkpoint_ahead(self) -> None:
        """Do most of a checkpoint's work. Any thread may do this at any time."""
        self._checkpointer.move()
        # What came meanwhile: the disk may have it before the writer has to wait for that.
        sync_file(self._wal_path)

    def checkpoint(self, mode: Literal["PASSIVE", "TRUNCATE"]) -> None:
        """Move what is in the write-ahead log into the database file, if that is possible now."""
        with contextlib.suppress(apsw.Error):
            if self._connection is not None:
                self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    def shorten_wal(self) -> bool:
        """Cut the write-ahead log to its share, if no reader needs more; return whether it is so.

        A commit that begins it anew cuts it, too; but there may be none for long.
        """
        if self._wal_is_short() or self._connection is None:
            return True
        # It waits for readers: predictions must not wait for them, too.
        self._connection.set_busy_timeout(0)
        self.checkpoint("TRUNCATE")
        self._connection.set_busy_timeout(BUSY_MILLISECONDS)
        return self._wal_is_short()

    def _wal_is_short(self) -> bool:
        with contextlib.suppress(OSError):
            return self._wal_path.stat().st_size <= self._options.longest_wal_bytes
        return True

    def close(self) -> None:
        """Close the connection, if there is one; the lock stays."""
        # The last connection that is closed tidies up, and is to be the one that wrote.
        self._checkpointer.close()
        connection, self._connection = self._connection, None
        if connection is not None:
            # A cursor that a traceback still holds would keep its transaction open.
            with contextlib.suppress(apsw.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            with contextlib.suppress(apsw.Error):
                connection.close(force=True)

    def release(self) -> None:
        """Let another service have the log."""
        self._lock.release()
