"""What the process of a first load may take, and what it may reach: no file, no socket."""

import ctypes
import resource
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_MIB = 2**20
_FEW_FILES = 64


def end_with_parent() -> None:
    """Let the system end this process when the one that started it ends, however."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit(
    *, cpu_seconds: int | None, wall_seconds: int, memory_bytes: int, may_import: bool
) -> None:
    """Limit this process from now on.

    Args:
        cpu_seconds: of processor time, beyond what it has taken; then it is ended. None: any.
        wall_seconds: until an alarm ends it, should nobody else.
        memory_bytes: beyond what it has now.
        may_import: whether it may open a few files; otherwise it opens none, nor a socket.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(wall_seconds)
    limits = [
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, _address_space() + memory_bytes),
        (resource.RLIMIT_NOFILE, _FEW_FILES if may_import else 0),
    ]
    if cpu_seconds is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        limits.append((resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds))
    for what, most in limits:
        # Not every system has each of them, and none is raised.
        with suppress(ValueError, OSError):
            _, before = resource.getrlimit(what)
            highest = most + 2 if what == resource.RLIMIT_CPU else most
            both = (most, highest)
            if before != resource.RLIM_INFINITY:
                both = (min(most, before), min(highest, before))
            # The hard limit of processor time kills without saying why: it stands later.
            resource.setrlimit(what, both)


def memory_for(size: int) -> int:
    """Return how much memory may be taken to load files of so many bytes, in bytes."""
    return 3 * 1024 * _MIB + 10 * size


def seconds_for(size: int) -> int:
    """Return how long it may take to load files of so many bytes."""
    return 20 + size // (2 * _MIB)


def _address_space() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no path of ours
            pages = int(file.read().split()[0])
    except OSError:
        return 8 * 1024 * _MIB
    return pages * resource.getpagesize()
