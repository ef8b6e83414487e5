"""From a table to a service that answers, beside a script that does the training by hand."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.errors import LoadError
from benchmarks.plan import Plan
from benchmarks.results import SERVICE, Demand, Result
from benchmarks.server_runs import BASELINES, free_port
from benchmarks.training.process_tree import memory_of, peak_memory
from benchmarks.training.tables import TARGET, Table
from settings.sources import PROJECT_ROOT

PLAIN = BASELINES[0]
FACTOR, PLUS_SECONDS = 1.3, 12.0
MEMORY_FACTOR, RESTART_FACTOR = 1.5, 1.05
PATIENCE_SECONDS = 1800
RESTARTED, FIRST = "restarted", "first start"
_MB = 1e6
_SETTLES_SECONDS = 2.0


class Cost(NamedTuple):
    """What one training cost."""

    seconds: float
    peak_bytes: int

    def __str__(self) -> str:
        """Return it for a person who waits."""
        return f"{self.seconds:.1f} s, at most {self.peak_bytes / _MB:.0f} MB"


def measure_training(plan: Plan, table: Table) -> list[Result]:
    """Return time and memory of a training on a table, and the service's memory after it."""
    plan.report(f"Making the table of {table.title}.")
    path = table.written(plan.folder)
    held: dict[str, list[float]] = {FIRST: [], RESTARTED: []}

    def measure(side: str) -> Cost:
        return _plain(plan, path) if side == PLAIN else _service(plan, path, held)

    found = plan.interleaved(
        f"training, {table.name}", plan.some(PLAIN, SERVICE), measure, rounds=1
    )
    return _results(table, found, held)


def _results(
    table: Table, found: Mapping[str, Sequence[Cost]], held: Mapping[str, Sequence[float]]
) -> list[Result]:
    return [
        Result(
            part=f"training-{table.name}",
            title=f"training, {table.title}",
            unit="s",
            runs={side: [cost.seconds for cost in costs] for side, costs in found.items()},
            demands=(Demand(factor=FACTOR, against=PLAIN, at_most=True, plus=PLUS_SECONDS),),
        ),
        Result(
            part=f"training-{table.name}-memory",
            title=f"the most memory of it, {table.name}",
            unit="MB",
            runs={side: [c.peak_bytes / _MB for c in costs] for side, costs in found.items()},
            demands=(Demand(factor=MEMORY_FACTOR, against=PLAIN, at_most=True),),
        ),
        Result(
            part=f"training-{table.name}-held",
            title=f"memory of the service, {table.name}",
            unit="MB",
            runs={state: list(sizes) for state, sizes in held.items() if sizes},
            demands=(Demand(factor=RESTART_FACTOR, of=FIRST, against=RESTARTED, at_most=True),),
        ),
    ]


def _plain(plan: Plan, path: Path) -> Cost:
    command = [sys.executable, "-m", "benchmarks.training.plain_script"]
    began = time.monotonic()
    with _running([*command, str(path), str(plan.folder / "plain.joblib")], plan, {}) as process:
        with peak_memory(process.pid) as peak:
            code = process.wait(PATIENCE_SECONDS)
        seconds = time.monotonic() - began
    if code:
        raise LoadError(f"The plain script failed: see {plan.folder / 'training.log'}.")
    return Cost(seconds, peak.bytes)


def _service(plan: Plan, path: Path, held: Mapping[str, list[float]]) -> Cost:
    """Start the service on a table and an empty store, then again."""
    local_data = plan.folder / f"training-{path.stem}"
    first = ["serve", "--data", str(path), "--target", TARGET]
    cost, memory = _started(plan, first, local_data)
    held[FIRST].append(memory / _MB)
    _, memory = _started(plan, ["serve"], local_data)
    held[RESTARTED].append(memory / _MB)
    return cost


def _started(plan: Plan, arguments: list[str], local_data: Path) -> tuple[Cost, int]:
    """Return what it cost until the service was ready, and what memory it then has."""
    port = free_port()
    variables = {"LOCAL_DATA": str(local_data), "SERVICE_PORT": str(port)}
    command = [sys.executable, "-m", "mlops", *arguments]
    began = time.monotonic()
    with _running(command, plan, variables) as process:
        with peak_memory(process.pid) as peak:
            _wait_until_ready(process, port)
        seconds = time.monotonic() - began
        time.sleep(_SETTLES_SECONDS)
        return Cost(seconds, peak.bytes), memory_of(process.pid)


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LoadError("The service ended: see training.log.")
        try:
            # The address is listened on from the start; it is answered once a model is there.
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise LoadError("The service was not ready in time: see training.log.")


@contextmanager
def _running(
    command: list[str], plan: Plan, variables: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command on all cores, as a user would, until the block ends."""
    environment = {**os.environ, **variables}
    with (plan.folder / "training.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own modules
            command,
            cwd=PROJECT_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        # The comparison itself keeps to one core.
        os.sched_setaffinity(process.pid, range(os.cpu_count() or 1))
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)
