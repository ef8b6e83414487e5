"""The git checkout that a run's code comes from: an auditor can go back to it."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class Checkout(NamedTuple):
    """What git says of a folder; empty where it is no checkout, or where there is no git."""

    branch: str = ""
    head: str = ""
    dirty: bool = False
    """Whether the files differ from those of the commit."""


def read_checkout(folder: Path) -> Checkout:
    """Return the checkout that a folder is in."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        # A detached head, as in most CI systems, has no branch.
        branch = _git(folder, "branch", "--show-current")
        changes = _git(folder, "status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return Checkout()
    return Checkout(branch, head, bool(changes))


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return done.stdout.strip()
