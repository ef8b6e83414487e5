"""The git checkout that a run's code comes from: an auditor can go back to it."""

import hashlib
import subprocess
from pathlib import Path
from typing import NamedTuple

from settings.settings import Settings
from settings.sources import PROJECT_ROOT

CODE_DIGEST = "code.sha256"
"""In an image, which has no git: what its notebooks and modules were when it was built."""
_CODE = [
    f"{folder}/**/*.{ending}"
    for folder in ("ml_pipe", "examples")
    for ending in ("ipynb", "py", "toml")
]


class GitRevision(NamedTuple):
    """What git says of a folder; empty where it is no checkout, or where there is no git."""

    branch: str = ""
    head: str = ""


def with_git_revision(settings: Settings) -> Settings:
    """Return the settings with the branch and the commit of this code, where they are not set."""
    if settings.git_branch and settings.git_head:
        return settings
    checkout = read_git_revision(PROJECT_ROOT)
    return settings.model_copy(
        update={
            "git_branch": settings.git_branch or checkout.branch,
            "git_head": settings.git_head or checkout.head,
        }
    )


def read_git_revision(folder: Path) -> GitRevision:
    """Return the checkout that a folder is in."""
    # One call, as every start of the service makes it.
    head, _, branch = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD").partition("\n")
    # A detached head, as in most CI systems, has no branch; one that shares its name with a tag is
    # printed with its folder.
    return GitRevision("" if branch == "HEAD" else branch.removeprefix("heads/"), head)


def is_dirty(folder: Path) -> bool:
    """Return whether files differ from those of the commit, or from those that an image had.

    Another checkout may stand in their place.
    """
    digest = folder / CODE_DIGEST
    if digest.is_file():
        return digest.read_text(encoding="ascii").strip() != code_digest(folder)
    # Not `status`, which goes by sizes: a notebook with outputs is what git keeps without them.
    changed = _git(folder, "diff", "--name-only", "HEAD")
    return bool(changed or _git(folder, "ls-files", "--others", "--exclude-standard"))


def code_digest(folder: Path) -> str:
    """Return a digest of the notebooks and modules that train."""
    paths = sorted(
        path.relative_to(folder)
        for pattern in _CODE
        for path in folder.glob(pattern)
        if ".ipynb_checkpoints" not in path.parts
    )
    digests = {path.as_posix(): _digest(folder / path) for path in paths}
    return hashlib.sha256(repr(digests).encode()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    print(code_digest(PROJECT_ROOT))  # noqa: T201 - the Dockerfile keeps it
