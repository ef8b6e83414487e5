"""What came of first loads, remembered outside of the store: whoever writes models writes none."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

_MOST_BYTES = 65_536
_MOST_FILES = 2_000


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of one form of one version."""

    checked_by: dict[str, str]
    """Versions of what it was loaded with: with others it is loaded again."""
    time: float
    """Seconds since 1970."""
    reason: str = ""
    """Why the version must not be loaded here, a sentence; empty: it may be."""


class VerdictFile:
    """A verdict's file, while nobody else judges the same."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def read(self) -> Verdict | None:
        """Return the verdict; none where there is none, or it was cut short."""
        if self._descriptor is None:
            return None
        with suppress(msgspec.MsgspecError, OSError):
            text = os.pread(self._descriptor, _MOST_BYTES, 0)
            return msgspec.json.decode(text, type=Verdict)
        return None

    def write(self, verdict: Verdict) -> None:
        """Remember a verdict; where it cannot be written, the next start judges anew."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, msgspec.json.encode(verdict), 0)


def folder_beside(store: Path) -> Path:
    """Return where the verdicts on a store's versions are: `<local_data>/checked`."""
    return store.parent / "checked"


@contextmanager
def locked(folder: Path, key: str) -> Iterator[VerdictFile]:
    """Hold a verdict's file; wait for another process that judges the same version."""
    descriptor = _opened(folder, key)
    try:
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield VerdictFile(descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def known(folder: Path, key: str) -> Verdict | None:
    """Return a verdict without waiting; none where there is none."""
    try:
        descriptor = os.open(folder / key, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return VerdictFile(descriptor).read()
    finally:
        os.close(descriptor)


def _opened(folder: Path, key: str) -> int | None:
    """Open the file of a verdict, its owner's alone; None where none can be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_old(folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(folder / key, flags, 0o600)
    except OSError:
        return None


def _forget_old(folder: Path) -> None:
    with os.scandir(folder) as entries:
        found = [(entry.stat(follow_symlinks=False).st_mtime, entry.path) for entry in entries]
    for _, path in sorted(found)[: max(0, len(found) - _MOST_FILES)]:
        with suppress(OSError):
            Path(path).unlink()
