"""The folders that the processes of a service share, and those that an earlier one left behind."""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - folders of our own are made there, safely
PREFIX = "mlops-shared-"
_OWNER = "owner.lock"
# A folder without a lock is one that is just being made, or was made before there were locks.
_YOUNG_SECONDS = 60.0


@contextlib.contextmanager
def shared_folder(place: Path | None = None) -> Iterator[Path]:
    """Make a folder for this process and its copies, in memory where there is such a place.

    Whoever is killed leaves it behind, so those of services that have ended are removed first. It
    is known by a lock, which the copies inherit: it is held until the last of them has ended.

    Args:
        place: Where; the memory that processes share, or the system's folder of temporary files.
    """
    if place is None:
        has_memory = os.access(SHARED_MEMORY, os.W_OK)
        place = SHARED_MEMORY if has_memory else Path(tempfile.gettempdir())
    remove_left_behind(place)
    with tempfile.TemporaryDirectory(
        prefix=PREFIX, dir=place, ignore_cleanup_errors=True
    ) as folder:
        descriptor = os.open(Path(folder) / _OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Path(folder)
        finally:
            os.close(descriptor)


def remove_left_behind(place: Path) -> list[Path]:
    """Remove the folders of services that have ended; return which."""
    removed = []
    with contextlib.suppress(OSError):
        for folder in place.glob(f"{PREFIX}*"):
            # Another start may remove it at the same time, and nothing of it prevents this one.
            with contextlib.suppress(OSError):
                if _is_ours(folder) and _has_no_owner(folder):
                    shutil.rmtree(folder)
                    removed.append(folder)
    return removed


def _is_ours(folder: Path) -> bool:
    """Return whether it is a folder, not a link to one, that this user made for nobody else."""
    status = folder.lstat()
    mode = stat.S_IMODE(status.st_mode)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and mode & 0o077 == 0


def _has_no_owner(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / _OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        is_young = time.time() - folder.stat().st_mtime < _YOUNG_SECONDS
        return not is_young and not _is_open(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is_open(folder: Path) -> bool:
    """Return whether a process has a file of the folder open, as far as the system shows it."""
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if descriptor.readlink().is_relative_to(folder):
                return True
    return False
