"""Moves what is in the write-ahead log into the database while the writer goes on writing."""

import contextlib
import os
import threading
from pathlib import Path

import apsw

from monitoring.log.database.queries import row
from monitoring.log.options import LogOptions


class Checkpointer:
    """A second connection, which takes most of the disk's work off the writing one.

    What is committed meanwhile is left: only where the writer stands still, for the rest of it, can
    the write-ahead log begin anew. SQLite before 3.51.3 must not do this beside a writer.

    Every method may be called from any thread.
    """

    def __init__(self, path: Path, options: LogOptions) -> None:
        self._path = path
        self._options = options
        self._guard = threading.Lock()
        self._connection: apsw.Connection | None = None

    def open(self) -> None:
        """Connect to the files that the writer has just opened, and to no later ones.

        Raises:
            apsw.Error: That is impossible.
        """
        self.close()
        with self._guard:
            connection = apsw.Connection(os.fspath(self._path), apsw.SQLITE_OPEN_READWRITE)
            try:
                # A read opens the write-ahead log, too.
                row(connection, "PRAGMA user_version")
                connection.execute(f"PRAGMA synchronous = {self._options.durability}")
            except BaseException:
                connection.close()
                raise
            self._connection = connection

    def move(self) -> None:
        """Move what is there now, as far as readers let."""
        with self._guard, contextlib.suppress(apsw.Error):
            if self._connection is not None:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._guard:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(apsw.Error):
                    connection.close(force=True)
