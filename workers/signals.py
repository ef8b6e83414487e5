"""Signals for a program that also waits for sockets."""

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from api.server import signals

_HEARD = (signal.SIGCHLD, *signals.STOPPING, *signals.RELOADING, *signals.SURVIVED)


class Signals:
    """Makes a socket readable when a signal comes, and remembers what was requested."""

    def __init__(self) -> None:
        self.stop_requested = False
        self.reload_requested = False
        self._socket, self._waker = socket.socketpair()

    def __enter__(self) -> Self:
        def stop(*_: object) -> None:
            self.stop_requested = True

        def reload(*_: object) -> None:
            self.reload_requested = True

        self._socket.setblocking(False)
        self._waker.setblocking(False)
        # Without a handler, the end of a process would not wake anyone.
        idle = (signal.SIGCHLD, *signals.SURVIVED)
        self._before = signals.handle(
            {signals.STOPPING: stop, signals.RELOADING: reload, idle: None}
        )
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        signals.restore(self._before)
        self._close()

    def fileno(self) -> int:
        """Return the descriptor to wait for, as selectors ask for it."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Let the socket be unreadable again."""
        self._socket.recv(65_536)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back: one that comes to a copy before `forget` would be lost."""
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def forget(self) -> None:
        """Handle signals as a copy of the process does that starts; it was made while held.

        A request to stop ends it. All else means nothing yet.
        """
        signal.set_wakeup_fd(-1)
        by_default = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)
        signals.handle(
            {
                signals.STOPPING: lambda number, _: sys.exit(128 + number),
                signals.RELOADING + signals.SURVIVED: None,
                by_default: signal.SIG_DFL,
            }
        )
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        self._close()

    def _close(self) -> None:
        self._socket.close()
        self._waker.close()
