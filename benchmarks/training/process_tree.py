"""The memory of a process and all that it started, as they share it among them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EVERY_SECONDS = 0.2
_KIB = 1024


class Peak:
    """The most memory that was seen."""

    bytes: int = 0


def memory_of(pid: int) -> int:
    """Return the memory of a process and its descendants in bytes, shared pages counted once.

    Of a page that several processes share, each is charged its part ("proportional set size").
    """
    return sum(map(_memory, family(pid)))


def family(pid: int) -> list[int]:
    """Return the ids of a process and its descendants; those that have ended have none."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = {each for t in threads for each in (t / "children").read_text().split()}
    except OSError:
        # It ended meanwhile.
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


@contextmanager
def peak_memory(pid: int) -> Iterator[Peak]:
    """Sample the memory of a process and its descendants until the block ends."""
    peak, ended = Peak(), threading.Event()

    def sample() -> None:
        while not ended.wait(EVERY_SECONDS):
            peak.bytes = max(peak.bytes, memory_of(pid))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _memory(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        # It ended meanwhile.
        return 0
    sizes = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    return sum(sizes) * _KIB
