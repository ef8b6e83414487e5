"""A container engine for the tests: the one that runs, or one of their own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_until


class NoEngineError(Exception):
    """There is no engine; the sentence says what to install."""


def run(*command: str | Path, check: bool = True, **environment: str) -> str:
    """Return what a command prints; where it fails, what it complains of is shown.

    Args:
        command: The program and its arguments.
        check: Whether its failure is one of the test.
        environment: Variables beside those that are set.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def logs(container: str) -> str:
    """Return what a container printed and complained of."""
    return run("bash", "-c", f"docker logs {container} 2>&1")


@contextmanager
def engine(folder: Path) -> Iterator[None]:
    """Have an engine that `docker` reaches, started in a folder if none runs.

    Raises:
        NoEngineError: none runs, and none can be started.
    """
    if shutil.which("docker") and not _code("docker", "info"):
        yield
        return
    missing = [name for name in ("docker", "dockerd", "iptables") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        raise NoEngineError(
            "No container engine answers, and none can be started: run one, or as root "
            "apt-get install docker.io docker-compose debootstrap."
        )
    with (folder / "dockerd.log").open("w") as log:
        daemon = subprocess.Popen(
            ["dockerd", "--pidfile", str(folder / "dockerd.pid")], stdout=log, stderr=log
        )
    try:
        wait_until(lambda: daemon.poll() is not None or not _code("docker", "info"), 60)
        if daemon.poll() is not None:
            raise NoEngineError(f"dockerd does not start: {(folder / 'dockerd.log').read_text()}")
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)


def _code(*command: str) -> int:
    done = subprocess.run(command, capture_output=True, check=False)
    # Docker's client ends well though no engine answers; it says so on standard error.
    return done.returncode or int(b"Cannot connect" in done.stderr)
