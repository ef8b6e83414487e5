"""A process that the supervisor started, and what it tells the supervisor."""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple


class StartReport(NamedTuple):
    """What a process says once."""

    refusal: str
    """Why it will not do its work; empty where it is ready to."""
    welcome: str
    """What a person is to be told once the service is ready."""


def report_to_supervisor(control: socket.socket, *, refusal: str = "", welcome: str = "") -> None:
    """Say that this process is ready, or why it will not be."""
    # The supervisor may be gone, which is found by other means.
    with suppress(OSError):
        control.sendall(json.dumps(StartReport(refusal, welcome)).encode())
        control.shutdown(socket.SHUT_WR)


@dataclass(eq=False)
class Process:
    """A process that runs."""

    slot: int
    pid: int
    control: socket.socket
    """It says here that it is ready, and ends where this is closed."""
    ready_since: float | None = None
    _said: bytearray = field(default_factory=bytearray)

    def hear(self) -> tuple[bool, StartReport | None]:
        """Return whether it has said all, and what that was; blocks until there is some."""
        try:
            part = self.control.recv(65_536)
        except ConnectionError:
            part = b""
        self._said += part
        if part:
            return False, None
        # One that was killed meanwhile has said nothing, or half of it.
        with suppress(ValueError):
            return True, StartReport(*json.loads(self._said))
        return True, None
