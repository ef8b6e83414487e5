"""Where a version stands until it is published: a folder that no reader sees."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from model_store import files
from model_store.versions import another_version

_PREFIX = ".publishing-"
_LOCK = ".lock"


@dataclass(frozen=True)
class Stage:
    """A version's folder while it is being written."""

    version: str
    folder: Path

    def publish(self) -> None:
        """Let readers see the version, all at once, and for good."""
        self.folder.rename(self.folder.with_name(self.version))
        files.sync_folder(self.folder.parent)


@contextmanager
def model_lock(model_folder: Path) -> Iterator[None]:
    """Hold a model's lock: one at a time moves aliases, or starts to publish."""
    with files.locked(model_folder / _LOCK):
        yield


@contextmanager
def staged(model_folder: Path, version: str) -> Iterator[Stage]:
    """Make an empty folder for a version, which is gone afterwards unless it was published.

    If another publisher has the same version, this one gets the version with a number behind it.
    """
    with model_lock(model_folder):
        _sweep(model_folder)
        stage = _claim(model_folder, version)
        in_use = ExitStack()
        descriptor = in_use.enter_context(_opened(stage.folder))
        # Held as long as this process lives, which keeps others from removing it.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    with in_use:
        try:
            yield stage
        finally:
            shutil.rmtree(stage.folder, ignore_errors=True)


def _claim(model_folder: Path, version: str) -> Stage:
    others = (another_version(version, number) for number in count(2))
    for name in chain([version], others):
        folder = model_folder / f"{_PREFIX}{name}"
        # In this order: another publisher may rename the one to the other between the two looks.
        if not folder.exists() and not (model_folder / name).exists():
            break
    folder.mkdir(mode=0o700)
    return Stage(name, folder)


def _sweep(model_folder: Path) -> None:
    """Remove what killed publishers left."""
    for folder in model_folder.glob(f"{_PREFIX}*"):
        # Its publisher may live, or be about to rename or remove it.
        with suppress(OSError), _opened(folder) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
