"""Files that are read without trusting them, and written so that a crash leaves the old or the new.

What is not a plain file (a link, a pipe, a folder, a device) is refused without waiting for it.
"""

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model_store.errors import ModelStoreError, NotFoundError, RefusedError
from model_store.names import is_name

MAX_TEXT_BYTES = 16 * 2**20
"""The maximum size of a file without a known size."""

LOCK_SECONDS = 30.0
"""How long to wait for a lock, which is held for the time of a few small files."""
_LOCK_POLL_SECONDS = 0.005

_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """Return the content of a plain file of at most `max_bytes`.

    Raises:
        FileNotFoundError: there is nothing of that name.
        RefusedError: it is no plain file, too large, or cannot be read.
    """
    with _open(path, os.O_RDONLY) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > max_bytes:
            raise RefusedError(
                f"{path.name} has {size} bytes where at most {max_bytes} are right: restore it."
            )
        with open(descriptor, "rb", closefd=False) as file:
            # The limit again, for a file that grows meanwhile.
            return file.read(max_bytes)


def write(path: Path, content: bytes) -> None:
    """Write a file through to the disk that is not there yet.

    Raises:
        RefusedError: there is something of that name: it may be a second name of another file.
    """
    with _open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.fsync(descriptor)


def replace(path: Path, content: bytes) -> None:
    """Write a file so that every reader, and every crash, finds the old or the new one, whole.

    It is written under a name that nobody can foresee, to a file that was not there. What a crash
    leaves under such a name is removed by the next call. One writer at a time: hold a lock.
    """
    prefix = f".{path.name}.new"
    for left in path.parent.glob(f"{prefix}*"):
        with suppress(OSError):
            left.unlink()
    beside = path.with_name(f"{prefix}-{secrets.token_hex(8)}")
    try:
        write(beside, content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Write a folder's list of names through to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def real_folder(path: Path, absence: str) -> Path:
    """Return a folder's path.

    Raises:
        NotFoundError: there is none; the sentence begins with `absence`.
        RefusedError: it is a link.
    """
    if path.is_symlink():
        raise RefusedError(f"{path.name} is a link, which may lead anywhere: put the folder there.")
    if not path.is_dir():
        raise NotFoundError(f"{absence}: `mlops models list` shows what there is.")
    return path


def folder_names(path: Path) -> list[str]:
    """Return the safe names of the real folders in a folder, sorted; none where it is absent.

    Raises:
        ModelStoreError: the folder cannot be read.
    """
    try:
        with os.scandir(path) as entries:
            return sorted(
                entry.name
                for entry in entries
                if is_name(entry.name) and entry.is_dir(follow_symlinks=False)
            )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ModelStoreError(
            f"{path} cannot be read ({error.strerror}): the model store must be a readable folder."
        ) from error


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what differs when a file was changed; None where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that a file stands for; wait for it a while. It ends with its holder, however.

    Raises:
        RefusedError: somebody else holds it for longer than anything takes.
    """
    with _open(path, os.O_RDWR | os.O_CREAT) as descriptor:
        until = time.monotonic() + LOCK_SECONDS
        while not _is_locked(descriptor):
            if time.monotonic() > until:
                raise RefusedError(
                    f"{path} is held by another process for over {LOCK_SECONDS:.0f} s: end it."
                )
            time.sleep(_LOCK_POLL_SECONDS)
        yield


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _open(path: Path, flags: int) -> Iterator[int]:
    try:
        descriptor = os.open(path, flags | _SAFE, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else os.strerror(error.errno or 0)
        raise RefusedError(f"{path.name} cannot be opened ({reason}): restore it.") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RefusedError(f"{path.name} is no plain file: restore it.")
        yield descriptor
    finally:
        os.close(descriptor)
