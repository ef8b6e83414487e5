"""What a slow model costs a fast one: one that is not compiled, beside one that is."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sklearn.ensemble import RandomForestClassifier

from benchmarks import open_loop
from benchmarks.bench_models import BenchModel, iris, make_bodies, make_model, publish
from benchmarks.errors import LoadError
from benchmarks.plan import Plan
from benchmarks.results import SERVICE, Demand, Result
from benchmarks.server_runs import running
from benchmarks.wrk import Wrk
from model_store.bundle import Compilation

SLOW = "slow"
TREES = 300
CALLERS = 4
RATE = 500
"""Requests a second to the fast model: a twentieth of what it can answer."""
FOREIGN, OWN, SHARED = "foreign process", "slow model", "slow model, in the service's process"
_MILLI = 1e3


def measure_neighbours(plan: Plan) -> Result:
    """Return the 99th percentile of a fast model's latency, in ms, beside others on its core.

    One is a process that has nothing to do with the service and takes all the processor time that
    it can get; the other a model that is not compiled, and is asked by some callers without a
    pause: answered in a process of its own, and, to compare, in that of the service.
    """
    folder = plan.folder / "neighbours"
    fast = make_model("tree", folder)
    publish(
        SLOW,
        fast.models,
        iris(),
        RandomForestClassifier(n_estimators=TREES),
        compilation=Compilation(reason="It is to be slow."),
    )
    return Result(
        part="neighbours",
        title=f"99th percentile at {RATE} requests a second, decision tree, 1 row, beside ...",
        unit="ms",
        runs=plan.interleaved(
            "neighbours", [FOREIGN, OWN, SHARED], lambda name: _beside(name, plan, folder, fast)
        ),
        demands=(Demand(factor=1.5, of=OWN, against=FOREIGN, at_most=True),),
    )


def _beside(name: str, plan: Plan, folder: Path, fast: BenchModel) -> float:
    bodies = make_bodies(1)
    texts = [msgspec.json.encode(rows) for rows in bodies]
    processes = 0 if name == SHARED else 1
    (folder / "settings.ini").write_text(f"[model]\nname = {fast.name}\nprocesses = {processes}\n")
    with running(SERVICE, fast, folder, plan.cores.server, bodies[0]) as server:
        server.ask(texts[:CALLERS], f"/models/{SLOW}/predict")
        arrivals = open_loop.Arrivals(
            port=server.port, bodies=texts, rate=RATE, seconds=plan.seconds
        )
        with _burning(plan) if name == FOREIGN else _asking(plan, server.port, texts):
            outcome = open_loop.run(arrivals)
    if set(outcome.statuses) != {200}:
        raise LoadError(f"Not every request was answered with 200: {dict(outcome.statuses)}.")
    return outcome.percentile(99) * _MILLI


@contextmanager
def _burning(plan: Plan) -> Iterator[None]:
    """Have a process take all that it gets of the server's core."""
    command = [sys.executable, "-c", "while True: pass"]
    if plan.cores.server is not None:
        command = ["taskset", "--cpu-list", str(plan.cores.server), *command]
    with subprocess.Popen(command) as process:  # noqa: S603 - ours
        try:
            yield
        finally:
            process.kill()


@contextmanager
def _asking(plan: Plan, port: int, texts: list[bytes]) -> Iterator[None]:
    """Have some callers ask the slow model, each again as soon as it is answered.

    Raises:
        LoadError: one of them was not answered.
    """
    lines = plan.folder / "bodies"
    lines.write_bytes(b"".join(body + b"\n" for body in texts))
    wrk = Wrk(lines, plan.cores.load, CALLERS, f"/models/{SLOW}/predict")
    with ThreadPoolExecutor(1) as threads:
        counts = threads.submit(wrk.send, port, plan.seconds + 1)
        yield
        counts.result()
