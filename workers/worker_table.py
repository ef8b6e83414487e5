"""The table of the service's processes, in memory that all of them share."""

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
    """0 while no process has the name."""
    restarts: int
    """How many processes had this name before."""
    cpu_seconds: float
    """The processor time of those, to which its own is added."""


class WorkerTable:
    """The supervisor makes the table, then forks. A worker writes its connection count alone."""

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
        """Record the process of a slot."""
        self._starts[slot] += 1
        self._pids[slot] = pid

    def ended(self, slot: int, cpu_seconds: float) -> None:
        """Record that a slot is free, and the processor time of its last process."""
        # In this order a reader sees the time of neither rather than of both.
        self._pids[slot] = 0
        self._connections[slot] = 0
        self._cpu_seconds[slot] += cpu_seconds

    def has_its_share(self, slot: int, connections: int) -> bool:
        """Record a worker's connections; return whether another worker has fewer."""
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
