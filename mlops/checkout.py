"""The git checkout that a run's code comes from: an auditor can go back to it."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from api.settings import Settings
from api.settings_sources import PROJECT_ROOT


class Checkout(NamedTuple):
    """What git says of a folder; empty where it is no checkout, or where there is no git."""

    branch: str = ""
    head: str = ""


def with_checkout(settings: Settings) -> Settings:
    """Return the settings with the branch and the commit of this code, where they are not set."""
    if settings.git_branch and settings.git_head:
        return settings
    checkout = read_checkout(PROJECT_ROOT)
    return settings.model_copy(
        update={
            "git_branch": settings.git_branch or checkout.branch,
            "git_head": settings.git_head or checkout.head,
        }
    )


def read_checkout(folder: Path) -> Checkout:
    """Return the checkout that a folder is in."""
    # One question, as every start of the service asks it.
    head, _, branch = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD").partition("\n")
    # A detached head, as in most CI systems, has no branch; one that shares its name with a tag is
    # told with its folder.
    return Checkout("" if branch == "HEAD" else branch.removeprefix("heads/"), head)


def is_dirty(folder: Path) -> bool:
    """Return whether the files of a checkout differ from those of its commit."""
    return bool(_git(folder, "status", "--porcelain"))


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
