"""The machine that the comparison runs on: its cores, and the facts that its numbers depend on."""

import os
import platform
import re
import resource
import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import apsw

PACKAGES = (
    "fastapi",
    "httptools",
    "msgspec",
    "numpy",
    "onnxruntime",
    "pydantic",
    "scikit-learn",
    "skl2onnx",
    "starlette",
    "uvicorn",
    "uvloop",
)


@dataclass(frozen=True)
class Cores:
    """Which core serves and which sends; None where there is but one."""

    server: int | None
    load: int | None

    @classmethod
    def of(cls, usable: set[int]) -> Self:
        """Choose two of the cores that this process may use."""
        if len(usable) == 1:
            return cls(None, None)
        # The first one also handles most of what the machine itself has to do.
        load, *_, server = sorted(usable)
        return cls(server, load)


class Others:
    """What everybody else takes of some cores, from now on: it makes rates smaller than they are.

    Args:
        cores: those that server and load use.
    """

    def __init__(self, cores: Collection[int]) -> None:
        self._cores = cores
        self._began = time.monotonic()
        self._before = self._seconds()

    def share(self) -> float:
        """Return which share of the cores' time others have had; 0 is a quiet machine."""
        available = (time.monotonic() - self._began) * len(self._cores)
        return min(1.0, max(0.0, (self._seconds() - self._before) / available))

    def _seconds(self) -> float:
        busy = busy_seconds(Path("/proc/stat").read_text(), self._cores)
        # Of children, those that have ended: between two runs there are no others.
        ours = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return busy - sum(usage.ru_utime + usage.ru_stime for usage in ours)


def busy_seconds(statistics: str, cores: Collection[int]) -> float:
    """Return how long some cores have worked, or were lent to other machines.

    Args:
        statistics: the text of `/proc/stat`; see proc(5).
        cores: which.
    """
    names = {f"cpu{core}" for core in cores}
    ticks = 0
    for line in statistics.splitlines():
        name, _, numbers = line.partition(" ")
        if name in names:
            user, nice, system, _idle, _iowait, irq, soft, stolen, *_guests = map(
                int, numbers.split()
            )
            ticks += user + nice + system + irq + soft + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def facts(folder: Path) -> dict[str, Any]:
    """Return what the numbers depend on, ready for JSON.

    Args:
        folder: where the prediction log is written.
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "file_system": _said("stat", "--file-system", "--format=%T", str(folder)),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "wrk": _said("wrk", "--version").partition(" Copyright")[0],
        "commit": _commit(),
    }


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _commit() -> str:
    """Return the commit of the code, with a `+` where files differ from it."""
    head = _said("git", "rev-parse", "--short", "HEAD")
    return f"{head}+" if head and _said("git", "status", "--porcelain") else head


def _said(*command: str) -> str:
    """Return the first line that a program prints; empty where it is missing or fails."""
    try:
        # wrk prints its version and ends with 1.
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    except OSError:
        return ""
    return ran.stdout.partition("\n")[0].strip()
