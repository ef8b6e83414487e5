"""File systems that only one service sees: mounts in a user namespace, made without root."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Mounts:
    """A namespace of mounts, which lives as long as the process that holds it."""

    holder: int

    @property
    def prefix(self) -> tuple[str, ...]:
        """Return the words that start a command inside."""
        target = f"--target={self.holder}"
        return ("nsenter", target, "--user", "--mount", "--preserve-credentials", "--")

    def run(self, *command: str) -> None:
        """Run a command inside."""
        subprocess.run([*self.prefix, *command], check=True)

    def seen_from_outside(self, path: Path) -> Path:
        """Return a path by which this process reaches what is at `path` inside.

        SQLite would follow its links to the file of the same name out here: copy, then open.
        """
        return Path("/proc", str(self.holder), "root", str(path).lstrip("/"))


@contextlib.contextmanager
def mounts() -> Iterator[Mounts]:
    """Make a namespace with the mounts of this machine, to be changed for its processes alone."""
    command = ["unshare", "--user", "--mount", "--map-root-user"]
    holder = subprocess.Popen(
        [*command, "sh", "-c", "echo made; read wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stderr
    try:
        if holder.stdout.readline() != "made\n":
            pytest.fail(
                "This fault is made in a user namespace, which this machine refuses "
                f"({holder.stderr.read().strip()}): allow them, or run the tests elsewhere.",
                pytrace=False,
            )
        yield Mounts(holder.pid)
    finally:
        holder.kill()
        holder.communicate()


def copied_log(log: Path, folder: Path) -> Path:
    """Return a copy of a log whose service has ended, with what its write-ahead log holds."""
    folder.mkdir()
    for part in log.parent.glob(f"{log.name}*"):
        shutil.copy(part, folder)
    return folder / log.name
