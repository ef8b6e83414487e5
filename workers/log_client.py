"""The prediction log of a worker: another process writes it, and answers over a socket."""

import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from monitoring.log.database.views import ViewColumn
from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.leases import Lease
from monitoring.log.writing.true_values import Feedback, Verdict
from workers.log_messages import (
    AddBusinessMetrics,
    AddFeedback,
    Call,
    Declare,
    GiveLeases,
    Kept,
    Open,
    Receiver,
    Reply,
    TellEvent,
    Write,
    decode_reply,
    send,
)

# Predictions wait while feedback is on its way, so it goes in parts of this many items.
_FEEDBACK_ITEMS = 100


class LogClient:
    """A `LogWriter` that has its calls done by a `LogServer`, one at a time.

    Where the other process ends in the middle of a call, nobody knows whether the call was done.
    `LogUnavailableError` would then say too much: whoever was refused might find their request in
    the log. So `on_lost` is called first, and a service ends there without an answer.

    Args:
        connection: Leads to the log server.
        path: The database file.
        worker: The number of this process; its events carry it.
        on_lost: Called when the log server is gone.
    """

    def __init__(
        self,
        connection: socket.socket,
        path: Path,
        *,
        worker: int,
        on_lost: Callable[[], object],
    ) -> None:
        self._connection = connection
        self._receiver = Receiver(connection)
        self._path = path.resolve()
        self._worker = worker
        self._on_lost = on_lost
        self._guard = threading.Lock()

    @property
    def path(self) -> Path:
        """The database file, as `LogReader` takes it."""
        return self._path

    def open(self) -> None:
        """Check whether the log can be written.

        Raises:
            LogUnavailableError: It cannot; each later call tries again.
        """
        self._call(Open())

    def write(self, entries: Sequence[Entry]) -> None:
        """Log these requests in one transaction; they are committed when this returns.

        Raises:
            LogUnavailableError: None of them is in the log.
            ValueError: A time without zone, or a text that should be JSON and is not.
        """
        self._call(Write(list(entries)))

    def kept(self, entry: Entry) -> dict[str, str | int | None]:
        """Return what the log would store of a request, for use while it cannot be written."""
        kept: dict[str, str | int | None] = self._call(Kept(entry))
        return kept

    def event(self, kind: str, detail: Mapping[str, object], *, is_condition: bool = False) -> None:
        """Log what this worker did, or a condition that it met; `detail` is JSON-ready."""
        self._call(TellEvent(kind, {"worker": self._worker, **detail}, is_condition))

    def add_feedback(self, items: Iterable[Feedback]) -> list[Verdict]:
        """Store true values and return the verdict on each; repeating one changes nothing.

        Raises:
            LogUnavailableError: Some may be stored, some not; send all of them again.
        """
        verdicts: list[Verdict] = []
        remaining = iter(items)
        while part := list(islice(remaining, _FEEDBACK_ITEMS)):
            verdicts += map(Verdict, self._call(AddFeedback(part)))
        return verdicts

    def lease(self, wanted: Sequence[Lease], count: int, seconds: float) -> list[int]:
        """Give the first `count` of these rows that are free out for labelling, for so long.

        Returns the places in `wanted` of those that are given; nobody else is given them meanwhile.

        Raises:
            LogUnavailableError: None of them is given.
        """
        given: list[int] = self._call(GiveLeases(list(wanted), count, seconds))
        return given

    def add_business_metrics(self, values: Mapping[str, float]) -> None:
        """Store what the client's system measured; of each name the newest values are kept."""
        self._call(AddBusinessMetrics(dict(values)))

    def declare(self, model: str, columns: Sequence[ViewColumn]) -> None:
        """Make the view `rows_<model>` show these columns and those of earlier versions.

        Raises:
            LogUnavailableError: The view is not made yet; it will be when the log opens.
            ValueError: Another model's name differs in letter case only.
        """
        self._call(Declare(model, list(columns)))

    @property
    def writes_at_once(self) -> bool:
        """Always False: a write waits for another process, which may be held up."""
        return False

    def close(self) -> None:
        """Leave the log server; later calls are refused."""
        with self._guard:
            self._connection.close()

    def _call(self, call: Call) -> Any:
        with self._guard:
            if self._connection.fileno() < 0:
                raise LogUnavailableError("The prediction log is closed: the service is stopping.")
            try:
                send(self._connection, call)
                while (content := self._receiver.receive()) is None:
                    pass
            except (OSError, EOFError) as error:
                self._on_lost()
                self._connection.close()
                raise LogUnavailableError(
                    f"The process that writes the prediction log {self._path} has ended: start the "
                    "service again if it does not do so by itself."
                ) from error
        return _result(decode_reply(content))


def _result(reply: Reply) -> Any:
    match reply.failed:
        case "unavailable":
            raise LogUnavailableError(reply.reason)
        case "value":
            raise ValueError(reply.reason)
        case "other":
            raise RuntimeError(reply.reason)
    return reply.result
