"""Servers as a user starts them, each in a process of its own that ends with the block."""

import base64
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.bench_models import BenchModel, Rows
from benchmarks.errors import LoadError
from settings.settings import Settings
from settings.sources import PROJECT_ROOT

BASELINES = ("plain", "floor", "limit")
SERVICE = "service"
SIDES = (*BASELINES, SERVICE)
PATIENCE_SECONDS = 60
"""How long a server may take to start or to stop."""
POLL_SECONDS = 0.005
LOG = "predictions.sqlite"

# Without one, nobody may see the service's metrics.
_METRICS_PASSWORD = secrets.token_hex()
_CREDENTIALS = base64.b64encode(f"metrics:{_METRICS_PASSWORD}".encode()).decode()
_HEADERS = {"Content-Type": "application/json", "Authorization": f"Basic {_CREDENTIALS}"}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: "subprocess.Popen[bytes]"
    port: int
    folder: Path
    """Its LOCAL_DATA; what it prints goes to the file `output` there."""
    start_seconds: float
    """From the start of the process to its first answer."""

    def ask(self, bodies: list[bytes], path: str = "/predict") -> list[bytes]:
        """Return the answers to some bodies, sent one after another.

        Raises:
            LoadError: one was not answered with 200.
        """
        with _connected(self.port) as connection:
            return [_answer(connection, "POST", path, body) for body in bodies]

    def served(self) -> dict[str, Any]:
        """Return the only version that the service says it serves."""
        with _connected(self.port) as connection:
            served = msgspec.json.decode(_answer(connection, "GET", "/models"))
        version: dict[str, Any] = served["models"][0]["versions"][0]
        return version

    def metrics(self) -> dict[str, float]:
        """Return the service's metrics by name, with their labels where they have any."""
        with _connected(self.port) as connection:
            lines = _answer(connection, "GET", "/metrics").decode().splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def peak_bytes(self) -> int:
        """Return the most memory that the process and its children have had."""
        return sum(map(_peak_bytes, _family(self.process.pid)))

    def cpu_seconds(self) -> float:
        """Return the processor time that the process and its children have taken."""
        return sum(map(_cpu_seconds, _family(self.process.pid)))

    def output(self) -> str:
        """Return the last lines of what it printed."""
        return (self.folder / "output").read_text(errors="replace")[-2000:]


@contextmanager
def running(
    side: str, model: BenchModel, folder: Path, core: int | None, first: Rows
) -> Iterator[Server]:
    """Start a server, wait for its answer to `first`, and stop it at the end.

    Args:
        side: which of `SIDES`.
        model: what it serves.
        folder: its LOCAL_DATA, on disk; made where it is missing.
        core: where it runs; None for anywhere.
        first: rows.

    Raises:
        LoadError: it did not start, did not answer, or did not stop.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = _command(side, model, port)
    if core is not None:
        command = ["taskset", "--cpu-list", str(core), *command]
    environment = _environment(side, model, folder, port)
    body = msgspec.json.encode(first)
    with (folder / "output").open("ab") as output:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - ours
            command, env=environment, cwd=PROJECT_ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait(process, port, body, folder)
        yield Server(process, port, folder, time.perf_counter() - began)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"{side} did not stop within {PATIENCE_SECONDS} seconds.") from error
    finally:
        process.kill()
        process.wait()


def _command(side: str, model: BenchModel, port: int) -> list[str]:
    if side == SERVICE:
        return [str(Path(sys.executable).with_name("mlops")), "serve"]
    module = model.plain if side == "plain" else side
    factory = f"benchmarks.baselines.{module}:create_app"
    server = [sys.executable, "-m", "uvicorn", "--factory", factory, f"--port={port}"]
    # The service writes its access log, the baselines write none.
    return [*server, "--no-access-log"]


def _environment(side: str, model: BenchModel, folder: Path, port: int) -> dict[str, str]:
    """Return an environment in which the service has its default settings, but for these."""
    inherited = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    if side != SERVICE:
        return inherited | {"BENCH_MODEL": str(model.onnx if side == "limit" else model.joblib)}
    models, settings = folder / "models", folder / "settings.ini"
    if not models.exists():
        models.symlink_to(model.models, target_is_directory=True)
    settings.touch()
    return inherited | {
        "LOCAL_DATA": str(folder),
        "SETTINGS_FILE": str(settings),
        "SERVICE_PORT": str(port),
        "METRICS_PASSWORD": _METRICS_PASSWORD,
    }


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait(process: "subprocess.Popen[bytes]", port: int, body: bytes, folder: Path) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with _connected(port) as connection:
                _answer(connection, "POST", "/predict", body)
        except (OSError, http.client.HTTPException, LoadError) as error:
            if process.poll() is None and time.monotonic() < give_up:
                time.sleep(POLL_SECONDS)
                continue
            said = (folder / "output").read_text(errors="replace")[-2000:]
            raise LoadError(f"No server ({error}). It said: {said}") from error
        return


def _connected(port: int) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection("127.0.0.1", port, PATIENCE_SECONDS))


def _answer(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> bytes:
    connection.request(method, path, body, _HEADERS)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise LoadError(f"{path} answered {answer.status}: {content[:500]!r}")
    return content


def _family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [pid, *(member for child in children for member in _family(child))]


def _peak_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _cpu_seconds(pid: int) -> float:
    # After the name in brackets; utime and stime are the fields 14 and 15 of proc(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def remove(folder: Path) -> None:
    """Remove what a run left."""
    shutil.rmtree(folder, ignore_errors=True)
