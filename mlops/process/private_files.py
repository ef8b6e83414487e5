"""Files of this command are its user's alone: what is in them is nobody else's to read.

One umask for all that a process and its kernels write: run folders, notebooks, models, reports.
"""

import contextlib
import os
from pathlib import Path

PRIVATE = 0o077
_OPEN_FOLDER = 0o755
"""The mode of folders that were made before there was a umask."""
_FOLDERS = ("runs", "models")

_given: list[int] = []
"""The umask that this process was started with."""


def keep_private() -> None:
    """Let only this user read what this process makes from now on."""
    _given.append(os.umask(PRIVATE))


def as_given() -> None:
    """Make files as this process was told to at its start: for what others are to read."""
    if _given:
        os.umask(_given[0])


def close_folders(local_data: Path) -> None:
    """Close folders of earlier versions that everybody could list; others are left as they are."""
    for name in _FOLDERS:
        # Whose folder it is not, cannot be changed.
        with contextlib.suppress(OSError):
            folder = local_data / name
            if folder.lstat().st_mode & 0o7777 == _OPEN_FOLDER and not folder.is_symlink():
                folder.chmod(0o700)
