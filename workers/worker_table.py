"""Which processes a service of several workers has, in memory that all of them share."""

import mmap
import os
from collections.abc import Iterator
from typing import NamedTuple

LOG_SLOT = 0
"""The slot of the process that writes the log; workers have those from 1 on."""
_ITEM_BYTES = 8


class Member(NamedTuple):
    """A process of the service."""

    name: str
    pid: int
    """0 while nobody has the name."""
    restarts: int
    """How many before it had this name."""
    cpu_seconds: float
    """What those took, which its own time adds to."""


class WorkerTable:
    """The members. The supervisor makes it, and forks; a member writes its connections alone."""

    def __init__(self, workers: int) -> None:
        self.slots = frozenset(range(LOG_SLOT, workers + 1))
        size = len(self.slots) * _ITEM_BYTES
        # Each item is written and read at once, so that nobody meets half of one.
        memory = memoryview(mmap.mmap(-1, 4 * size))
        self._pids = memory[:size].cast("q")
        self._starts = memory[size : 2 * size].cast("q")
        self._connections = memory[2 * size : 3 * size].cast("q")
        self._cpu_seconds = memory[3 * size :].cast("d")
        self._supervisor = os.getpid()

    def started(self, slot: int, pid: int) -> None:
        """Note who has a slot now."""
        self._starts[slot] += 1
        self._pids[slot] = pid

    def ended(self, slot: int, cpu_seconds: float) -> None:
        """Note that nobody has it, and what the last one took."""
        # In this order a reader sees the time of neither rather than of both.
        self._pids[slot] = 0
        self._connections[slot] = 0
        self._cpu_seconds[slot] += cpu_seconds

    def has_its_share(self, slot: int, connections: int) -> bool:
        """Note how many connections a worker has; return whether another one has fewer."""
        self._connections[slot] = connections
        others = self.slots - {LOG_SLOT, slot}
        return any(self._pids[o] and self._connections[o] < connections for o in others)

    def __iter__(self) -> Iterator[Member]:
        """Iterate over all, the supervisor first."""
        yield Member("supervisor", self._supervisor, 0, 0.0)
        for slot in sorted(self.slots):
            pid, starts, seconds = self._pids[slot], self._starts[slot], self._cpu_seconds[slot]
            name = "log" if slot == LOG_SLOT else f"worker-{slot}"
            yield Member(name, pid, max(0, starts - 1), seconds)
