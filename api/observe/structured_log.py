"""The structured log: JSON objects, one a line, on standard output.

Exceptions appear by type and place. Their messages are left out, because those of numerical
libraries quote the values that they choked on, and values may be personal.
"""

import io
import logging
import os
import re
import select
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

StructuredLog = FilteringBoundLogger
MAX_LINES = 10_000
GATHER_SECONDS = 0.02
CLOSE_SECONDS = 1.0
_ENCODER = msgspec.json.Encoder(enc_hook=str)
# Of what JSON may hold as it is, in UTF-8: what a terminal would obey. A line may quote a store.
_COMMANDS = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.NOTSET)


def make_structured_log(level: str, stream: BinaryIO | None = None) -> StructuredLog:
    """Return a logger that writes JSON lines to a byte stream, by default standard output."""
    logger: StructuredLog = structlog.wrap_logger(
        LineLogger(stream or sys.stdout.buffer),
        # One of our own, as every request comes by: structlog's took half of a line's time.
        processors=[_encode],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
    )
    # Bound now: a logger that is bound at its first use checks at each use whether it is.
    return logger.bind()


class LineLogger:
    """What structlog hands its lines to. It never raises: a full disk must not stop the service.

    What cannot be written is lost here; the prediction log does not depend on it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def msg(self, line: bytes) -> None:
        """Write a line, if that is possible."""
        try:
            self._stream.write(line + b"\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass

    debug = info = warning = error = critical = msg


class BackgroundStream(io.RawIOBase):
    """A stream whose lines a thread writes: a reader that stalls must not stall the service.

    The thread takes all lines that came within some milliseconds at once. Lines beyond `MAX_LINES`
    are dropped; their number is logged once there is room again.

    Args:
        descriptor: Where to write.
        lock: Held while lines are written, where other processes write there, too.
    """

    def __init__(self, descriptor: int, lock: AbstractContextManager[object] | None = None) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lock = lock or nullcontext()
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._some = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
        self._thread.start()

    def write(self, line: Any) -> int:
        """Leave a line to the thread."""
        if len(self._lines) < MAX_LINES:
            self._lines.append(bytes(line))
        else:
            self._dropped += 1
        if not self._some.is_set():
            self._some.set()
        return len(line)

    def close(self) -> None:
        """Give the thread a moment to write what is left."""
        if not self.closed:
            self._closing.set()
            self._some.set()
            self._thread.join(CLOSE_SECONDS)
        super().close()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._some.wait()
            # To wake for every line would cost more than the line.
            self._closing.wait(GATHER_SECONDS)
            self._some.clear()
            self._write(self._taken())
        # Those that came while the last ones were written.
        self._write(self._taken())

    def _taken(self) -> Iterator[bytes]:
        # Those that come meanwhile may be many: they wait for the next time.
        for _ in range(len(self._lines)):
            yield self._lines.popleft()
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            yield _ENCODER.encode({"event": "lines-dropped", "lines": dropped}) + b"\n"

    def _write(self, lines: Iterable[bytes]) -> None:
        # What cannot be written is lost: it has nowhere else to go.
        with suppress(OSError), self._lock:
            for text in _pieces(lines):
                rest = text
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines joined up to the size that a pipe takes whole, so that none is torn apart."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > select.PIPE_BUF:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    yield b"".join(piece)


class ForwardingHandler(logging.Handler):
    """Sends what libraries log by the standard library's logging to the structured log."""

    def __init__(self, events: StructuredLog) -> None:
        super().__init__()
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        """Forward a record: its text without arguments, which may be values, and its exception."""
        lines = str(record.msg).splitlines() or [""]
        if lines[0].startswith("Traceback"):
            # uvicorn logs the traceback of a failed start as text; the lifespan logged it already.
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


def _encode(
    logger: Any,  # noqa: ARG001 - the signature is structlog's
    method: str,
    event: MutableMapping[str, Any],
) -> bytes:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        event["place"] = place_of(error)
    head = {"time": datetime.now(UTC), "level": method, "event": event.pop("event", None)}
    line = _ENCODER.encode(head | cast("dict[str, Any]", event))
    return line if line.isascii() else _COMMANDS.sub(_escape, line)


def _escape(found: "re.Match[bytes]") -> bytes:
    return f"\\u{ord(found[0].decode()):04x}".encode()
