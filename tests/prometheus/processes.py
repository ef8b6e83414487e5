"""Prometheus and Alertmanager as processes of the test: started on loopback, asked, and stopped."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
import yaml

from tests.api.server_process import PATIENCE_SECONDS

_PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}
_Found = TypeVar("_Found")


def tool(name: str) -> str:
    """Return the path of a command of the stack; skip the test where it is not installed."""
    # Debian puts its package's name before the daemon's.
    path = shutil.which(name) or shutil.which(f"prometheus-{name}")
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {_PACKAGES[name]}")
    return path


def run(name: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the stack to its end."""
    return subprocess.run(
        [tool(name), *arguments],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_SECONDS,
    )


def until(find: Callable[[], _Found], sentence: str) -> _Found:
    """Return what is found as soon as it is true.

    Raises:
        AssertionError: nothing was found in time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, f"After {PATIENCE_SECONDS} s: {sentence}"
        time.sleep(0.05)
    return found


@dataclass
class Daemon:
    """A process of the stack that runs."""

    port: int
    log: Path
    """Its output so far."""

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def ask(self, path: str, content: Any = None) -> Any:
        """Get a page of its API, or post a document to it; return the answer."""
        method, body = ("GET", None) if content is None else ("POST", json.dumps(content))
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        assert answer.status == 200, f"{path}: {answer.status} {text.decode()}"
        return json.loads(text or b"null")

    def complaints(self) -> list[str]:
        """Return the warnings and errors that it logged."""
        lines = self.log.read_text("utf-8").splitlines()
        return [line for line in lines if re.search(r"level=(warn|error)", line, re.IGNORECASE)]


class Prometheus(Daemon):
    """A Prometheus that runs."""

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what a query finds now.

        Raises:
            AssertionError: Prometheus calls it an error.
        """
        answer = self.ask(f"/api/v1/query?query={quote(expression)}")
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def targets(self) -> list[dict[str, Any]]:
        """Return what it scrapes, with `health` and `lastError`."""
        found: list[dict[str, Any]] = self.ask("/api/v1/targets")["data"]["activeTargets"]
        return found

    def has_scraped_all(self) -> bool:
        """Return whether it knows its targets and has tried each."""
        found = self.targets()
        return bool(found) and all(target["health"] != "unknown" for target in found)

    def rules(self) -> list[dict[str, Any]]:
        """Return its rules, with `health`, `lastEvaluation` and `lastError`."""
        groups = self.ask("/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


@contextmanager
def _running(name: str, arguments: Sequence[str], folder: Path) -> Iterator[tuple[int, Path]]:
    log = folder / f"{name}.log"
    with log.open("wb") as said:
        process = subprocess.Popen([tool(name), *arguments], stdout=said, stderr=said)
    try:
        found = until(
            lambda: (
                re.search(r'"Listening on" address=127\.0\.0\.1:(\d+)', log.read_text("utf-8"))
                or process.poll() is not None
            ),
            f"{name} does not listen: {log.read_text('utf-8')}",
        )
        assert isinstance(found, re.Match), log.read_text("utf-8")
        yield int(found[1]), log
    finally:
        process.kill()
        process.wait()


@contextmanager
def prometheus(
    folder: Path, scraping: dict[str, Any], rules: dict[str, Any]
) -> Iterator[Prometheus]:
    """Run Prometheus with a configuration and with rules, on a port of its choice."""
    (folder / "prometheus.yml").write_text(yaml.safe_dump(scraping), "utf-8")
    (folder / "rules.yml").write_text(yaml.safe_dump(rules), "utf-8")
    arguments = [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        "--web.listen-address=127.0.0.1:0",
    ]
    with _running("prometheus", arguments, folder) as (port, log):
        running = Prometheus(port, log)
        until(lambda: "ready to receive" in log.read_text("utf-8"), "Prometheus is not ready.")
        until(running.has_scraped_all, "Not all targets are scraped.")
        yield running


@contextmanager
def alertmanager(folder: Path, alerting: dict[str, Any]) -> Iterator[Daemon]:
    """Run Alertmanager with a configuration, alone, on a port of its choice."""
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(alerting), "utf-8")
    arguments = [
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'notifications'}",
        "--web.listen-address=127.0.0.1:0",
        # Empty: it searches no others.
        "--cluster.listen-address=",
        "--log.level=debug",
    ]
    with _running("alertmanager", arguments, folder) as (port, log):
        yield Daemon(port, log)
