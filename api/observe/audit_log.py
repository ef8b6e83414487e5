"""What the service does, told on standard output now, and in the log's `events` for later."""

from typing import Literal

from api.observe.structured_log import StructuredLog
from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.writer import LogWriter

Level = Literal["info", "warning", "error"]


class AuditLog:
    """Tells what happened; a log that cannot be written does not stop it from being told."""

    def __init__(self, log: LogWriter, events: StructuredLog) -> None:
        self._log = log
        self._events = events

    def record(self, kind: str, *, level: Level = "info", **detail: str | float) -> None:
        """Tell one event."""
        getattr(self._events, level)(kind, **detail)
        try:
            self._log.event(kind, detail)
        except LogUnavailableError as error:
            self._events.warning("event-not-logged", kind=kind, reason=str(error))
