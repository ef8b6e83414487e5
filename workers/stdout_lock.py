"""Standard output that several processes write, one at a time: each line stays whole."""

import fcntl
from typing import BinaryIO


class StdoutLock:
    """A context that one process at a time enters: a pipe would mix the parts of longer texts.

    Args:
        lock: An open file that all processes share; the system releases it where its owner is
            killed.
    """

    def __init__(self, lock: BinaryIO) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        fcntl.lockf(self._lock, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._lock, fcntl.LOCK_UN)
