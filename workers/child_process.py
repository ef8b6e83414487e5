"""A process that the supervisor started, and the report of its start."""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple


class StartReport(NamedTuple):
    """What a process reports once, after its start."""

    refusal: str
    """Why it cannot work; empty if it is ready."""
    welcome: str
    """The text to show once the service is ready."""


def report_to_supervisor(control: socket.socket, *, refusal: str = "", welcome: str = "") -> None:
    """Report that this process is ready, or why it cannot be."""
    # The supervisor may be gone, which is noticed elsewhere.
    with suppress(OSError):
        control.sendall(json.dumps(StartReport(refusal, welcome)).encode())
        control.shutdown(socket.SHUT_WR)


@dataclass(eq=False)
class Process:
    """A running process."""

    slot: int
    pid: int
    control: socket.socket
    """The process reports its start here, and ends when this is closed."""
    ready_since: float | None = None
    _received: bytearray = field(default_factory=bytearray)

    def hear(self) -> tuple[bool, StartReport | None]:
        """Return whether the report is complete, and the report; blocks until data arrive."""
        try:
            part = self.control.recv(65_536)
        except ConnectionError:
            part = b""
        self._received += part
        if part:
            return False, None
        # A process that was killed meanwhile has sent nothing, or half of its report.
        with suppress(ValueError):
            return True, StartReport(*json.loads(self._received))
        return True, None
