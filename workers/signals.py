"""Signals for a program that also waits for sockets."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

_HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class Signals:
    """Makes a socket readable when a signal comes, and remembers a request to stop."""

    def __init__(self) -> None:
        self.stop_requested = False
        self._socket, self._waker = socket.socketpair()

    def __enter__(self) -> Self:
        def stop(*_: object) -> None:
            self.stop_requested = True

        self._socket.setblocking(False)
        self._waker.setblocking(False)
        self._before = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, stop),
            signal.SIGINT: signal.signal(signal.SIGINT, stop),
            # Without a handler, the end of a process would not wake anyone.
            signal.SIGCHLD: signal.signal(signal.SIGCHLD, lambda *_: None),
        }
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
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
        """Stop handling signals, in a copy of the process made while signals were held."""
        signal.set_wakeup_fd(-1)
        for number in _HEARD:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        self._close()

    def _close(self) -> None:
        self._socket.close()
        self._waker.close()
