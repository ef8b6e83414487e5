"""A transport that sends the head of an answer together with the beginning of its body."""

import asyncio
import re
from typing import Any

_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class HeadCoalescer:
    """Wraps a connection's transport. uvicorn writes head and body one by one: two system calls.

    A head waits for what is written next, which follows at once; an interim answer, which nothing
    follows, does not wait.

    Args:
        transport: The connection's.
        keep_alive: A line that says how long the connection stays open, for heads that end none.
    """

    def __init__(self, transport: asyncio.Transport, keep_alive: bytes = b"") -> None:
        self.keep_alive = keep_alive
        self._transport = transport
        self._held = b""
        # Other calls of the hot path reach the transport directly.
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send something, after what is held, or hold it if it is a head."""
        if self._held:
            data = self._held + data
            self._held = b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            if not _CLOSES.search(data):
                data = data.replace(b"\r\n", b"\r\n" + self.keep_alive, 1)
            self._held = data
            return
        self._transport.write(data)

    def send(self, data: bytes) -> None:
        """Send something whole."""
        self._transport.write(self._held + data)
        self._held = b""

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            self.write(b"")

    def close(self) -> None:
        """Send what is held, and close."""
        self.flush()
        self._transport.close()
