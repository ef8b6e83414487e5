"""How long one waits: for the first answer, for nearly every answer, and all alone."""

from benchmarks.bench_models import BenchModel, Rows, make_bodies
from benchmarks.plan import Plan
from benchmarks.results import SERVICE, Demand, Result
from benchmarks.server_runs import remove, running
from benchmarks.target import WARM_UP_SHARE, target

STARTS = 5
"""Starts vary more than rates do: at least so many rounds."""
BUSY_MILLISECONDS = 5
_MILLI = 1e3


def measure_start(plan: Plan) -> Result:
    """Return the seconds from the start of a process to its first answer."""
    model, bodies = plan.model("tree"), make_bodies(1)
    sides = plan.some("plain", "limit", SERVICE)
    for side in sides:
        # The first one reads from the disk what the later ones find in memory.
        _start(side, model, bodies[0], plan)
    runs = plan.interleaved(
        "start",
        sides,
        lambda side: _start(side, model, bodies[0], plan),
        rounds=max(STARTS, plan.rounds),
    )
    return Result(
        part="start",
        title="start of the process to the first answer",
        unit="s",
        runs=runs,
        demands=(Demand(factor=0.5, against="plain", at_most=True),),
    )


def measure_half_rate(plan: Plan) -> Result:
    """Return the 99th percentile of latency, in ms, at half of the rate a closed loop reached."""
    model, bodies = plan.model("tree"), make_bodies(1)

    def busy(side: str) -> float:
        with target(plan, side, model, bodies) as found:
            found.warm_up()
            rate = found.closed_loop(plan.seconds).rate / 2
            return found.open_loop(rate, plan.seconds).percentile(99) * _MILLI

    return Result(
        part="half-rate",
        title="99th percentile at half of the top rate, decision tree, 1 row",
        unit="ms",
        runs=plan.interleaved("half-rate", plan.some("plain", SERVICE), busy),
        demands=(
            Demand(factor=BUSY_MILLISECONDS, at_most=True),
            Demand(factor=1, against="plain", at_most=True),
        ),
    )


def measure_alone(plan: Plan) -> Result:
    """Return the median latency, in ms, of one client alone on one connection."""
    model, bodies = plan.model("tree"), make_bodies(1)

    def alone(side: str) -> float:
        with target(plan, side, model, bodies) as found:
            found.closed_loop(plan.seconds * WARM_UP_SHARE, connections=1)
            return found.closed_loop(plan.seconds, connections=1).p50 / _MILLI

    return Result(
        part="alone",
        title="median latency of one client alone, decision tree, 1 row",
        unit="ms",
        runs=plan.interleaved("alone", plan.some("plain", SERVICE), alone),
        demands=(Demand(factor=1.5, against="plain", at_most=True),),
    )


def _start(side: str, model: BenchModel, first: Rows, plan: Plan) -> float:
    folder = plan.folder / "run"
    with running(side, model, folder, plan.cores.server, first) as server:
        seconds = server.start_seconds
    remove(folder)
    return seconds
