"""The lock that keeps a second service from writing the same log."""

import contextlib
import fcntl
import os
from pathlib import Path

from monitoring.log.errors import LogLockedError


class LogLock:
    """An exclusive lock on a file beside the log; a killed process gives it up by dying.

    The lock file is never removed: whoever did so could leave two services each with a lock of
    its own on two files of one name.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._path = log.with_name(log.name + ".lock")
        self._descriptor: int | None = None

    def held(self) -> bool:
        """Return whether the lock is ours and its file still the one that others would find."""
        if self._descriptor is None:
            return False
        try:
            there = os.stat(self._path)  # noqa: PTH116 - asked at every write, so it must be quick
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))

    def acquire(self) -> None:
        """Take the lock, or take it again where its file was removed.

        Raises:
            LogLockedError: Another process has it.
            OSError: The lock file cannot be made.
        """
        while not self.held():
            self.release()
            descriptor = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
                os.close(descriptor)
                if not isinstance(error, BlockingIOError):
                    raise
                raise LogLockedError(
                    f"Another service (process {owner}) writes the prediction log {self._log}: "
                    "stop it, or give this one a folder of its own, as LOCAL_DATA=folder."
                ) from None
            self._descriptor = descriptor
            # Who has it is a courtesy to the one refused: a full disk does not undo the lock.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Give the lock up, where we have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
