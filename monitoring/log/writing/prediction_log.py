"""The prediction log: its one writer. Answered means logged."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

import apsw

from monitoring.log import business_metrics
from monitoring.log.database.connection import LogConnection
from monitoring.log.database.schema import FORMAT_NUMBER, upgrade
from monitoring.log.database.views import ViewColumn
from monitoring.log.errors import LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.privacy import Privacy, json_text
from monitoring.log.timestamps import utc_text
from monitoring.log.writing import declared_views, leases, true_values
from monitoring.log.writing.backlog import Backlog
from monitoring.log.writing.batch import Batch, Entry, Ledger, kept
from monitoring.log.writing.events import EventTable
from monitoring.log.writing.retention import Retention

Result = TypeVar("Result")

# Predictions wait while feedback is stored, so it is stored in transactions of this many items.
_FEEDBACK_ITEMS = 100


class PredictionLog:
    """The one writer of a prediction log.

    Every method may be called from any thread: a lock stands around the one connection, and who
    comes second waits for a single short transaction. Readers have connections of their own
    (`monitoring.log.reading.reader`), wait for nobody and hold nobody up.

    Every method raises `LogUnavailableError` where the log can't be written; nothing of the call is
    then in the log, and the next call opens the database anew. A log file that was removed or
    moved away is noticed at the next call: a new one is made and `log-replaced` recorded.
    A write-ahead log that was removed is noticed as well, and what it held is saved.

    Args:
        path: The database file; its folder is made where it is missing.
        options: How durable, private and large.
        clock: Returns the time now, with a time zone.
        connection_class: What connects to SQLite, for tests that make it fail.
    """

    def __init__(
        self,
        path: Path,
        options: LogOptions,
        clock: Callable[[], datetime],
        *,
        connection_class: type[apsw.Connection] = apsw.Connection,
    ) -> None:
        self._path = path.resolve()
        self._options = options
        self._clock = clock
        self._privacy = Privacy(options)
        self._views = declared_views.DeclaredViews()
        self._events = EventTable(options)
        self._retention = Retention(options, clock)
        self._guard = threading.Lock()
        self._log = LogConnection(self._path, options, connection_class)
        self._backlog = Backlog(options.wal_bytes)
        self._ledger = Ledger(0, 0)
        self._doubtful: Batch | None = None
        self._closed = False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The database file, as `LogReader` takes it."""
        return self._path

    def open(self) -> None:
        """Open the log now, to learn at the start what the first write would meet.

        A log that could not be opened stays usable: each later call tries again.

        Raises:
            LogLockedError: Another service writes it.
            LogFormatError: Something else stands at its path.
            LogUnavailableError: It cannot be made or opened.
        """
        with self._guard:
            self._transact(lambda _: None)

    def write(self, entries: Sequence[Entry]) -> None:
        """Log these requests in one transaction; they are committed when this returns.

        Raises:
            LogUnavailableError: None of them is in the log.
            ValueError: A time without zone, or a text that should be JSON and is not.
        """
        batch = Batch(entries, self._privacy)
        with self._guard:
            self._transact(lambda connection: batch.insert(connection, self._ledger), batch)
            self._ledger = batch.counted(self._ledger)

    def kept(self, entry: Entry) -> dict[str, str | int | None]:
        """Return what this log would keep of a request, to be kept elsewhere while it cannot."""
        return kept(entry, self._privacy)

    def event(self, kind: str, detail: Mapping[str, object], *, is_condition: bool = False) -> None:
        """Log what the service did, or the condition that it met; `detail` is JSON-ready.

        A condition that repeats is counted where it first stands. A deed has a row of its own.
        """
        counted = 1 if is_condition else 0
        now = self._clock()
        with self._guard, self._events.prepare(kind, detail, now, counted) as store:
            if store:
                self._transact(store)

    def add_feedback(self, items: Iterable[true_values.Feedback]) -> list[true_values.Verdict]:
        """Store true values and return the verdict on each; repeating one changes nothing.

        Raises:
            LogUnavailableError: Some may be stored, some not; send all of them again.
        """
        time = utc_text(self._clock())
        verdicts: list[true_values.Verdict] = []
        remaining = iter(items)
        while part := list(islice(remaining, _FEEDBACK_ITEMS)):

            def store(
                connection: apsw.Connection, part: Sequence[true_values.Feedback] = part
            ) -> list[true_values.Verdict]:
                return [true_values.store(connection, item, self._privacy, time) for item in part]

            with self._guard:
                verdicts += self._transact(store)
        return verdicts

    def lease(self, wanted: Sequence[leases.Lease], count: int, seconds: float) -> list[int]:
        """Give the first `count` of these rows that are free out for labelling, for so long.

        Returns the places in `wanted` of those that are given; nobody else is given them meanwhile.

        Raises:
            LogUnavailableError: None of them is given.
        """
        now = self._clock()
        times = (utc_text(now), utc_text(now + timedelta(seconds=seconds)))
        with self._guard:
            return self._transact(lambda connection: leases.give(connection, wanted, count, times))

    def add_business_metrics(self, values: Mapping[str, float]) -> None:
        """Store what the client's system measured; of each name the newest values are kept."""
        time = utc_text(self._clock())
        with self._guard:
            self._transact(lambda connection: business_metrics.store(connection, values, time))

    def declare(self, model: str, columns: Sequence[ViewColumn]) -> None:
        """Make the view `rows_<model>` show these columns and those of earlier versions.

        Raises:
            LogUnavailableError: The view is not made yet; it will be when the log opens.
            ValueError: Another model's name differs in letter case only, or the view cannot be made
                of these columns. All other views and all writes go on.
        """
        with self._guard:
            self._views.check_name(model)
            try:
                reason = self._transact(lambda log: declared_views.make(log, model, columns))
            except LogUnavailableError:
                self._views.remember(model, columns)
                raise
            if reason:
                raise ValueError(reason)
            self._views.remember(model, columns)

    def retain(self) -> bool:
        """Remove what is too old or too much, for some milliseconds; return whether more remains.

        Call it again, after a pause in which predictions can pass, until it returns False.
        """
        if not self._retention.is_on:
            return False
        with self._guard:
            return self._transact(self._retention.step)

    @property
    def writes_at_once(self) -> bool:
        """Whether a write now would wait for no other thread, and for no disk."""
        return self._options.durability == "normal" and not self._guard.locked()

    @property
    def checkpoint_is_due(self) -> bool:
        """Whether `checkpoint` should be called now; ask several times a second."""
        return self._backlog.is_due

    def checkpoint(self) -> None:
        """Move what is in the write-ahead log into the database file, as far as readers let.

        To be called when it is due, so that no commit has to do it: a commit that does waits for
        the disk, and everyone with it.
        """
        if not self._backlog:
            return
        # Most of the disk's work, while writes go on; the rest takes a millisecond or two.
        self._log.checkpoint_ahead()
        with self._guard:
            self._backlog.clear()
            self._log.checkpoint("PASSIVE")
            self._backlog.note(is_long=not self._log.shorten_wal())

    def close(self) -> None:
        """Flush the log and let another service have it; later writes are refused."""
        with self._guard:
            self._closed = True
            self._log.checkpoint("TRUNCATE")
            self._log.close()
            self._log.release()

    def _transact(
        self, work: Callable[[apsw.Connection], Result], batch: Batch | None = None
    ) -> Result:
        """Do `work` in one transaction on the log that stands at the path."""
        for _ in range(2):
            try:
                connection = self._open()
                self._doubtful = batch
                connection.execute("BEGIN IMMEDIATE")
                self._retention.make_room(connection, batch.bytes if batch else 0)
                result = work(connection)
                connection.execute("COMMIT")
                self._backlog.add(self._retention.take_changed_bytes())
                # Until it is known that the commit went into the log, the batch stays in doubt.
                if self._log.stands():
                    self._doubtful = None
                    if self._log.relieve():
                        self._backlog.clear()
                    return result
            except (apsw.Error, OSError) as error:
                self._log.close()
                raise self._unavailable(f"{error}") from error
            except BaseException:
                self._log.close()
                raise
            # A file was removed or moved meanwhile, and the commit may have gone with it: again.
            self._log.doubt()
            if batch is not None:
                # A log that was moved away is kept by someone, and shall not hold it as well.
                with contextlib.suppress(apsw.Error):
                    connection.execute("BEGIN IMMEDIATE")
                    batch.withdraw(connection, self._ledger)
                    connection.execute("COMMIT")
        raise self._unavailable("the file is being removed again and again")

    def _open(self) -> apsw.Connection:
        """Return the connection to the log at the path, opened anew where it has to be."""
        if self._closed:
            raise LogUnavailableError("The prediction log is closed: the service is stopping.")
        connection = self._log.current()
        if connection is not None:
            return connection
        connection = self._log.open()
        connection.execute("BEGIN IMMEDIATE")
        if (older := upgrade(connection)) is not None:
            detail = json_text({"from": older, "to": FORMAT_NUMBER})
            self._events.store(connection, "log-upgraded", detail, self._clock())
            self._events.forget_kinds(connection)
        ledger = self._ledger_of(connection)
        self._views.restore(connection)
        if self._log.replaced:
            detail = json_text({"created": self._log.created})
            self._events.store(connection, "log-replaced", detail, self._clock())
        connection.execute("COMMIT")
        self._ledger = ledger
        self._log.opened()
        return connection

    def _ledger_of(self, connection: apsw.Connection) -> Ledger:
        """Return the ledger of a log that was opened, without rows whose callers were refused."""
        ledger = Ledger.read(connection)
        doubtful = self._doubtful
        if doubtful is None or self._log.replaced or ledger != doubtful.counted(self._ledger):
            return ledger
        # A commit that failed after its last byte: recovery brings back what its caller heard
        # is not logged, and may have sent again.
        doubtful.withdraw(connection, self._ledger)
        return self._ledger

    def _unavailable(self, reason: str) -> LogUnavailableError:
        return LogUnavailableError(
            f"The prediction log {self._path} cannot be written ({reason}): check that its folder "
            "is writable and its disk has room; the next write tries again."
        )
