"""Writing to a log from a process that is not the service, while the service may be writing it."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Self, TypeVar

import apsw

from monitoring.log.database.file import check_format, connect_writer, identity
from monitoring.log.database.schema import FORMAT_NUMBER, format_of
from monitoring.log.errors import LogFormatError, LogUnavailableError
from monitoring.log.options import LogOptions

Result = TypeVar("Result")

# The service's commits come in milliseconds; a turn comes soon, also between many of them.
_BUSY_MILLISECONDS = 10_000
_PURGE_PAUSE_SECONDS = 0.02


class OutsideWriter:
    """A second writing connection: SQLite's own locks let it and the service take turns.

    It knows nothing of the ledger that the service's writer keeps, so it may change and add what it
    likes except `requests.sequence` and `totals`: no request is added or removed by it.

    Predictions wait while a transaction is under way, for at most 100 ms; then they are refused.
    So each must be short: a page of rows, not a whole table. After each there is a pause as long as
    it took, in which predictions pass.

    Args:
        path: The log; the service need not run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._connection: apsw.Connection | None = None

    def __enter__(self) -> Self:
        """Open the log.

        Raises:
            LogUnavailableError: there is none, or it cannot be written.
            LogFormatError: it is none, or of an older format, which the service's next start mends.
        """
        if identity(self._path) is None:
            raise LogUnavailableError(f"There is no prediction log at {self._path} yet.")
        try:
            check_format(self._path)
            connection = connect_writer(self._path, LogOptions(durability="full"), apsw.Connection)
        except (apsw.Error, OSError) as error:
            raise self._unavailable(error) from error
        connection.set_busy_timeout(_BUSY_MILLISECONDS)
        if (number := format_of(connection)) != FORMAT_NUMBER:
            connection.close()
            raise LogFormatError(
                f"{self._path} is of format {number}; the service makes one of format "
                f"{FORMAT_NUMBER} of it at its next start: start it once."
            )
        self._connection = connection
        return self

    def __exit__(self, *_: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(apsw.Error):
                connection.close(force=True)

    def transact(self, work: Callable[[apsw.Connection], Result]) -> Result:
        """Do `work` in one transaction that nobody else writes in: all of it is stored, or nothing.

        Raises:
            LogUnavailableError: it was not stored.
        """
        connection = self._open()
        began = monotonic()
        try:
            connection.execute("BEGIN IMMEDIATE")
            began = monotonic()
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(apsw.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            if isinstance(error, apsw.Error | OSError):
                raise self._unavailable(error) from error
            raise
        sleep(monotonic() - began)
        return result

    def purge(self, patience_seconds: float = 30.0) -> bool:
        """Make the write-ahead log empty, which still holds what was overwritten.

        Free pages of the database hold nothing: they were overwritten when they became free.

        Returns:
            Whether it is empty now; readers that stay keep it from that.

        Raises:
            LogUnavailableError: it cannot be written.
        """
        connection = self._open()
        deadline = monotonic() + patience_seconds
        # Not for long at a time: meanwhile no prediction could be logged.
        connection.set_busy_timeout(0)
        try:
            while True:
                with contextlib.suppress(apsw.BusyError):
                    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                    return True
                if monotonic() > deadline:
                    return False
                sleep(_PURGE_PAUSE_SECONDS)
        except (apsw.Error, OSError) as error:
            raise self._unavailable(error) from error
        finally:
            connection.set_busy_timeout(_BUSY_MILLISECONDS)

    def _open(self) -> apsw.Connection:
        if self._connection is None:
            raise LogUnavailableError(f"The prediction log {self._path} is not open.")
        return self._connection

    def _unavailable(self, error: Exception) -> LogUnavailableError:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        return LogUnavailableError(
            f"The prediction log {self._path} cannot be written ({reason}): check that its folder "
            "is writable and its disk has room, and that nobody else holds it locked."
        )
