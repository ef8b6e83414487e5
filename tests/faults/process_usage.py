"""The resources that a process uses, as Linux reports them."""

import contextlib
from pathlib import Path
from typing import NamedTuple

_MEGABYTE = 1024 * 1024


class Usage(NamedTuple):
    """What a process uses now."""

    descriptors: int
    threads: int
    resident_megabytes: float
    peak_megabytes: float
    """The most that was ever resident."""


def usage_of(pid: int) -> Usage:
    """Return what a process uses."""
    folder = Path("/proc", str(pid))
    lines = (folder / "status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    resident, peak = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    descriptors = sum(1 for _ in (folder / "fd").iterdir())
    return Usage(descriptors, int(status["Threads"]), resident, peak)


def processor_seconds(pid: int) -> float:
    """Return how long the threads of a process have run so far; of those that ended, nothing."""
    nanoseconds = 0
    for task in Path("/proc", str(pid), "task").iterdir():
        # A thread may end while it is read.
        with contextlib.suppress(OSError):
            nanoseconds += int((task / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def megabytes(*paths: Path) -> float:
    """Return the size of files; of those that are not there, none."""
    return sum(path.stat().st_size for path in paths if path.exists()) / _MEGABYTE
