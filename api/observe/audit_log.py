"""The audit log: what the service does, on standard output and in the log's table `events`."""

from typing import Literal

from api.observe.structured_log import StructuredLog
from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.writer import LogWriter

Level = Literal["info", "warning", "error"]


class AuditLog:
    """Records events; one that the prediction log cannot take still reaches standard output."""

    def __init__(self, log: LogWriter, events: StructuredLog) -> None:
        self._log = log
        self._events = events

    def record(self, kind: str, *, level: Level = "info", **detail: str | float) -> None:
        """Record one event."""
        getattr(self._events, level)(kind, **detail)
        try:
            # What went wrong may go wrong again every minute; what was done was done each time.
            self._log.event(kind, detail, is_condition=level != "info")
        except LogUnavailableError as error:
            self._events.warning("event-not-logged", kind=kind, reason=str(error))
