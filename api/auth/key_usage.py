"""What keys were used for: their requests, their rows of the day, their last use.

The counts are in a small file that all workers map into their memory, so that a limit holds over
all of them, and over a restart.
"""

import fcntl
import math
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from api.auth.key_file import MAX_KEYS, Key

USAGE_FILE = "keys.usage"
"""Below `local_data`."""
_SLOT = struct.Struct("<12sIQdd")
_DAY_SECONDS = 86_400
_BURST_SECONDS = 1.0
"""How much of a rate may come at once."""
_SIZE = MAX_KEYS * _SLOT.size


class Usage(NamedTuple):
    """What one key was used for."""

    day: int
    """Of which the rows are, counted from 1970 in UTC."""
    rows: int
    next_request: float
    """By the monotonic clock of this machine: when the rate is used up to nothing."""
    last_use: float
    """Seconds since 1970; 0: never."""


class KeyUsage:
    """The counts of all keys.

    Args:
        folder: Where the file is. If it cannot be written there, each process counts for itself.
        wall: Returns the time in seconds since 1970.
        clock: Returns the time of a clock that all processes of this machine share.
    """

    def __init__(
        self,
        folder: Path,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._clock = clock
        try:
            self._file = os.open(folder / USAGE_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if os.fstat(self._file).st_size < _SIZE:
                os.ftruncate(self._file, _SIZE)
            self._counts = mmap.mmap(self._file, _SIZE)
        except (OSError, ValueError):
            self._file = -1
            self._counts = mmap.mmap(-1, _SIZE)

    def close(self) -> None:
        """Release the file."""
        self._counts.close()
        if self._file >= 0:
            os.close(self._file)

    def of(self, key: Key) -> Usage:
        """Return the counts of a key."""
        key_id, *counts = _SLOT.unpack_from(self._counts, key.slot * _SLOT.size)
        return Usage(*counts) if key_id == key.id.encode() else Usage(0, 0, 0.0, 0.0)

    def rows_today(self, key: Key) -> int:
        """Return the rows of a key since midnight, UTC."""
        used = self.of(key)
        return used.rows if used.day == int(self._wall()) // _DAY_SECONDS else 0

    def take_request(self, key: Key) -> int:
        """Count a request; return the seconds to wait if the rate is used up, else 0."""
        now = self._clock()
        with self._locked():
            used = self.of(key)
            due = used.next_request
            if key.requests_per_second:
                step = 1 / key.requests_per_second
                burst = max(_BURST_SECONDS, step)
                # Beyond that it is of before a restart of the machine.
                due = now if not now <= due <= now + burst + step else due
                if due + step > now + burst + 1e-9:
                    return max(1, math.ceil(due + step - now - burst))
                due += step
            self._put(key, used._replace(next_request=due, last_use=self._wall()))
        return 0

    def take_rows(self, key: Key, rows: int) -> int:
        """Count rows; return the seconds to wait if they are more than are left, else 0."""
        if key.rows_per_day is None:
            return 0
        now = self._wall()
        today = int(now) // _DAY_SECONDS
        with self._locked():
            used = self.of(key)
            before = used.rows if used.day == today else 0
            if before + rows > key.rows_per_day:
                return max(1, math.ceil((today + 1) * _DAY_SECONDS - now))
            self._put(key, used._replace(day=today, rows=before + rows))
        return 0

    def last_use(self, key: Key) -> datetime | None:
        """Return when a key was last used; None: never."""
        seconds = self.of(key).last_use
        return datetime.fromtimestamp(seconds, UTC) if seconds else None

    def _put(self, key: Key, used: Usage) -> None:
        _SLOT.pack_into(self._counts, key.slot * _SLOT.size, key.id.encode(), *used)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # Another process holds it for a microsecond, or the system releases it when that ends.
        if self._file >= 0:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if self._file >= 0:
                fcntl.flock(self._file, fcntl.LOCK_UN)
