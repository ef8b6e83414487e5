"""The service under faults: a process as a user starts it, with a store and a log of its own."""

import base64
import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.api.server_process import PATIENCE_SECONDS, Server, process_of
from tests.faults.client import Connection, Response

_METRICS = "Basic " + base64.b64encode(b"metrics:metrics-secret").decode()


@dataclass
class Service:
    """A service in a process of its own."""

    server: Server
    folder: Path
    """Its `local_data`, in which `events` holds what it wrote to standard output."""
    start_seconds: float
    """From the start of the process until it said where it listens."""

    @property
    def port(self) -> int:
        """The port that it listens on; 0 if it did not start."""
        return self.server.port

    @property
    def pid(self) -> int:
        """The process."""
        return self.server.process.pid

    @property
    def log(self) -> Path:
        """The prediction log."""
        return self.folder / "predictions.sqlite"

    @contextlib.contextmanager
    def connected(self) -> Iterator[Connection]:
        """Return a client of the service."""
        with contextlib.closing(Connection(self.port, PATIENCE_SECONDS)) as connection:
            yield connection

    def get(self, path: str, **headers: str) -> Response:
        """Return a page."""
        with self.connected() as connection:
            return connection.exchange("GET", path, b"", **headers)

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of `/health/ready`."""
        answer = self.get("/health/ready")
        return answer.status, json.loads(answer.body)

    def scrape(self) -> str:
        """Return the metrics."""
        answer = self.get("/metrics", Authorization=_METRICS)
        assert answer.status == 200, answer
        return answer.body.decode()

    def answered_total(self) -> int:
        """Return how many predictions the metrics say were answered, in all versions."""
        lines = self.scrape().splitlines()
        found = [line for line in lines if line.startswith("predict_requests_total{")]
        return sum(round(float(line.split()[-1])) for line in found if 'outcome="answered"' in line)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of one kind, of all starts in this folder."""
        lines = (self.folder / "events").read_text().splitlines()
        return [event for line in lines if (event := json.loads(line))["event"] == kind]

    def kill(self) -> int:
        """End it with SIGKILL, and return its exit code."""
        self.server.process.kill()
        return self.server.process.wait()

    def wait_until_ready(self, seconds: float = PATIENCE_SECONDS) -> float:
        """Wait until `/health/ready` says 200; return how long that took."""
        started = time.monotonic()
        while True:
            with contextlib.suppress(OSError):
                if self.ready()[0] == 200:
                    return time.monotonic() - started
            assert time.monotonic() - started < seconds, "The service does not become ready."
            time.sleep(0.01)


def new_folder(parent: Path) -> Path:
    """Make a folder for one round."""
    folder = parent / f"round-{sum(1 for _ in parent.glob('round-*'))}"
    folder.mkdir()
    return folder


@contextlib.contextmanager
def started(
    folder: Path, published: Path, *, prefix: Sequence[str] = (), **variables: str
) -> Iterator[Service]:
    """Start the service of the model `sum` on a free port; it is killed in the end.

    Args:
        folder: its `local_data`; where it holds no `models`, they are linked.
        published: a folder of published models.
        prefix: the words of a command that starts the service's command in its own stead.
        variables: settings, as environment variables.
    """
    began = time.monotonic()
    settings = {"MODEL_NAME": "sum", "SERVICE_EVENT_LEVEL": "warning"} | variables
    with process_of(folder, published, prefix=prefix, **settings) as server:
        assert server.port, f"The service did not start: {server.said}"
        yield Service(server, folder, time.monotonic() - began)


def refused_start(folder: Path, published: Path) -> str:
    """Start the service of the model `sum`, which leaves with 1; return its last sentence."""
    with process_of(folder, published, MODEL_NAME="sum") as server:
        assert server.process.wait(PATIENCE_SECONDS) == 1, server.said
        return server.said.splitlines()[-1]
