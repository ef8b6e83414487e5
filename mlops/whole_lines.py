"""Standard output that several processes write, each line whole."""

import fcntl
from collections.abc import Iterable
from typing import BinaryIO

from api.event_log import BackgroundStream


class WholeLines(BackgroundStream):
    """Lets one process at a time write: a pipe would mix the parts of longer texts.

    Args:
        descriptor: Where to write.
        lock: An open file that all of them have; the system gives the lock back where its owner is
            killed.
    """

    def __init__(self, descriptor: int, lock: BinaryIO) -> None:
        self._lock = lock
        super().__init__(descriptor)

    def _write(self, lines: Iterable[bytes]) -> None:
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            super()._write(lines)
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)
