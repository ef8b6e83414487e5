"""What the service says of its own work: JSON objects, one a line, on standard output.

Exceptions appear by type and place. Their messages are left out, because those of numerical
libraries quote the values that they choked on, and values may be personal.
"""

import io
import logging
import os
import queue
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

EventLog = FilteringBoundLogger
MAX_LINES = 10_000
CLOSE_SECONDS = 1.0
LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.NOTSET)


def make_event_log(level: str, stream: BinaryIO | None = None) -> EventLog:
    """Return a logger that writes JSON lines to a byte stream, by default standard output."""
    logger: EventLog = structlog.wrap_logger(
        structlog.BytesLogger(cast("BinaryIO", LineStream(stream or sys.stdout.buffer))),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _name_exception,
            _encode,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    return logger


class LineStream:
    """A stream that never raises: a full disk or a reader that has left must not stop the service.

    What cannot be written is lost here; the prediction log does not depend on it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        """Write a line, if that is possible."""
        with suppress(OSError, ValueError):
            self._stream.write(line)

    def flush(self) -> None:
        """Flush what was written, if that is possible."""
        with suppress(OSError, ValueError):
            self._stream.flush()


class BackgroundStream(io.RawIOBase):
    """A stream whose lines a thread writes: a reader that stalls must not stall the service.

    Lines beyond `MAX_LINES` are dropped; how many were is told once there is room again.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.Queue[bytes | None] = queue.Queue(MAX_LINES)
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
        self._thread.start()

    def write(self, line: Any) -> int:
        """Leave a line to the thread."""
        try:
            self._lines.put_nowait(bytes(line))
        except queue.Full:
            self._dropped += 1
        return len(line)

    def close(self) -> None:
        """Give the thread a moment to write what is left."""
        if not self.closed:
            with suppress(queue.Full):
                self._lines.put_nowait(None)
                self._thread.join(CLOSE_SECONDS)
        super().close()

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            if self._dropped:
                line = (
                    msgspec.json.encode({"event": "lines-dropped", "lines": self._dropped})
                    + b"\n"
                    + line
                )
                self._dropped = 0
            # What cannot be written is lost: there is nobody to tell.
            with suppress(OSError):
                while line:
                    line = line[os.write(self._descriptor, line) :]


class ForwardingHandler(logging.Handler):
    """Sends what libraries log by the standard library's logging to the event log."""

    def __init__(self, events: EventLog) -> None:
        super().__init__()
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        """Forward a record: its text without arguments, which may be values, and its exception."""
        lines = str(record.msg).splitlines() or [""]
        if lines[0].startswith("Traceback"):
            # uvicorn logs the traceback of a failed start as text; `api.app` has told the failure.
            return
        level = next(known for known in LEVELS if record.levelno >= known)
        self._events.log(
            level,
            "library",
            logger=record.name,
            message=lines[0],
            exc_info=record.exc_info[1] if record.exc_info else None,
        )


def place_of(error: BaseException) -> list[str]:
    """Return where an exception came from, outermost first, as `file:line function`."""
    return [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-8:]
    ]


def _name_exception(
    logger: Any,  # noqa: ARG001 - the signature is structlog's
    method: str,  # noqa: ARG001
    event: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        event["place"] = place_of(error)
    return event


def _encode(logger: Any, method: str, event: Mapping[str, Any]) -> bytes:  # noqa: ARG001
    head = {name: event.get(name) for name in ("time", "level", "event")}
    return msgspec.json.encode(head | dict(event), enc_hook=str)
