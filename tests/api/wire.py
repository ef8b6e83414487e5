"""Bytes to and from a running service, as they are on the wire."""

import json
import socket
import time
import uuid
from pathlib import Path
from typing import Any

from tests.api.server_process import PATIENCE_SECONDS, Server

_PAUSE_SECONDS = 0.01


def exchange(server: Server, sent: bytes, *, end: bool = False) -> bytes:
    """Send bytes, close our side or not, and return all that comes until the server closes."""
    with server.connect() as connection:
        connection.sendall(sent)
        if end:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            pass
        return received


def status_of(received: bytes) -> int:
    """Return the status of the one answer that was received."""
    assert received.count(b"HTTP/1.1 ") == 1
    return int(received.split()[1])


class AccessLines:
    """The lines that a service writes for its requests, from now on.

    Args:
        server: the service.
        events: what it writes to standard output.
    """

    def __init__(self, server: Server, events: Path) -> None:
        self._events = events
        self._begin = 0
        # A thread writes lines in their order: after this one, no earlier line comes.
        mark = uuid.uuid4().hex
        head = f"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: {mark}\r\n"
        exchange(server, head.encode() + b"Connection: close\r\n\r\n")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while mark not in self.text.rpartition("\n")[0]:
            assert time.monotonic() < deadline
            time.sleep(_PAUSE_SECONDS)
        self._begin = events.stat().st_size

    @property
    def text(self) -> str:
        """All that the service has written since."""
        return self._events.read_bytes()[self._begin :].decode()

    def wait(self, count: int = 1) -> list[dict[str, Any]]:
        """Return the lines once there are `count` of them.

        Raises:
            AssertionError: there are more, or they do not come.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(found := self._found()) < count:
            assert time.monotonic() < deadline, found
            time.sleep(_PAUSE_SECONDS)
        assert len(found) == count, found
        return found

    def _found(self) -> list[dict[str, Any]]:
        events = map(json.loads, self.text.rpartition("\n")[0].splitlines())
        return [event for event in events if event["event"] == "request"]
