"""The pages of the documentation, and a copy of the checkout in which what they show is run."""

import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from settings.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 300
RELATIVE_TOLERANCE = 0.02
"""How far a shown number may be off: another processor rounds differently, and so learns so."""

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a page."""

    kind: str
    """The word behind the fence: `sh`, `json`, `text`, `python`, `diff` ..."""
    text: str
    line: int


def tracked() -> list[str]:
    """Return the files of the checkout, those about to be added too, relative to its root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})


def pages() -> list[Path]:
    """Return every page of Markdown that readers of the repository meet."""
    return [ROOT / name for name in tracked() if name.endswith(".md")]


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in their order."""
    text = page.read_text("utf-8")
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(text)
    ]


def commands(text: str) -> list[str]:
    """Return the commands of a block, without the comments beside them."""
    joined = text.replace("\\\n", " ")
    return [re.sub(r"\s{2,}#.*", "", line).strip() for line in joined.splitlines() if line.strip()]


class Checkout:
    """A copy of the checkout, whose environment has the packages of the one that tests run in.

    Commands are run as they stand on a page, but for the port, which is a free one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in tracked():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        for path in (folder / "pyproject.toml", *(folder / "requirements").iterdir()):
            # Older than the set-up, which must not be made again by a command that needs it.
            os.utime(path, (0, 0))
        (folder / ".venv").symlink_to(sys.prefix)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        not_ours = {name.upper() for name in Settings.model_fields} | {"SETTINGS_FILE", "MAKEFLAGS"}
        self._environment = {n: v for n, v in os.environ.items() if n not in not_ours} | {
            # Before the checkout that the environment was set up for.
            "PYTHONPATH": str(folder),
            "SERVICE_PORT": str(self.port),
        }
        self._printed = folder / "printed.txt"

    @property
    def said(self) -> str:
        """What the service that was started last has printed so far."""
        return self._printed.read_text("utf-8")

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a block of commands."""
        return subprocess.run(
            ["bash", "-e", "-c", self._here(script)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )

    def output(self, script: str) -> str:
        """Run commands that must succeed; return their results, else what they said beside."""
        done = self.run(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout or done.stderr

    @contextmanager
    def serving(self, command: str) -> Iterator[None]:
        """Run a command that serves until it is ready, and stop it at the end."""
        with self._printed.open("w") as output:
            service = subprocess.Popen(
                ["bash", "-c", f"exec env {self._here(command)}"],
                cwd=self.folder,
                env=self._environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                self._wait_until_ready(service)
                yield
            finally:
                if service.poll() is None:
                    os.killpg(service.pid, signal.SIGTERM)
                service.wait(timeout=60)

    def edit(self, block: Block) -> None:
        """Do what a block says to a file: a `diff` changes one, another block is a new one."""
        if block.kind == "diff":
            path, text = edited(block.text, self.folder)
        else:
            path, text = self.folder / block.text.split()[1], block.text
        path.write_text(text, "utf-8")

    def as_shown(self, printed: str) -> str:
        """Return what was printed, with the port that a page shows."""
        return printed.replace(f"127.0.0.1:{self.port}", "127.0.0.1:8000")

    def _here(self, script: str) -> str:
        return script.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")

    def _wait_until_ready(self, service: "subprocess.Popen[bytes]") -> None:
        for _ in range(LONGEST_SECONDS * 5):
            assert service.poll() is None, self.said
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready"):
                    return
            except OSError:
                time.sleep(0.2)
        pytest.fail(self.said)


def edited(diff: str, folder: Path) -> tuple[Path, str]:
    """Return the file that a diff changes, and its text afterwards.

    A diff names its file in a line `+++ path`; its hunks begin with `@@`, and carry no line
    numbers: what a hunk begins with must occur once.
    """
    head, *hunks = re.split(r"^@@.*\n", diff, flags=re.MULTILINE)
    path = folder / re.findall(r"^\+\+\+ (\S+)$", head, re.MULTILINE)[0]
    text = path.read_text("utf-8")
    for hunk in hunks:
        lines = [line or " " for line in hunk.splitlines()]
        before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
        after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
        assert text.count(before) == 1, f"{path.name} does not hold once:\n{before}"
        text = text.replace(before, after)
    return path, text


def difference(shown: Block, printed: str) -> str:
    """Return how what a command printed differs from what a page shows; empty: it does not.

    JSON is compared as values, numbers within a tolerance. Of text, each line must occur in the
    order shown; `…` stands for anything.
    """
    if shown.kind == "json":
        found, expected = json.loads(printed), json.loads(shown.text)
        return "" if _is_like(found, expected) else f"shown: {expected}\nprinted: {found}"
    rest = re.sub(r"[ \t]+", " ", printed)
    for line in shown.text.splitlines():
        words = re.sub(r"[ \t]+", " ", line.strip())
        pattern = ".*?".join(re.escape(part) for part in words.split("…"))
        if not (match := re.search(pattern, rest)):
            return f"shown: {line}\nprinted: {printed}"
        rest = rest[match.end() :]
    return ""


def _is_like(found: Any, expected: Any) -> bool:
    match found, expected:
        case dict(), dict():
            return found.keys() == expected.keys() and all(
                _is_like(found[name], expected[name]) for name in found
            )
        case list(), list():
            return len(found) == len(expected) and all(map(_is_like, found, expected))
        case float(), float():
            return math.isclose(found, expected, rel_tol=RELATIVE_TOLERANCE)
        case _:
            return bool(found == expected)
