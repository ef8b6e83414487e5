"""The work under a closed loop: some rows a request, for one model, from every side."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.bench_models import make_bodies
from benchmarks.mixed_model import MIXED, make_mixed_bodies
from benchmarks.plan import Plan
from benchmarks.results import SERVICE, Demand, Result
from benchmarks.target import take_sample

HALF_OF_LIMIT = Demand(factor=0.5, against="limit")
_BYTES = 1e6


@dataclass(frozen=True)
class Work:
    """What every side has to do, and what the service must reach."""

    title: str
    model: str
    rows: int
    demands: tuple[Demand, ...]


WORKS = {
    "tree-1": Work(
        "decision tree, 1 row a request",
        "tree",
        1,
        (Demand(factor=5, against="plain"), HALF_OF_LIMIT),
    ),
    "tree-1000": Work(
        "decision tree, 1,000 rows a request",
        "tree",
        1000,
        (Demand(factor=10, against="plain"), HALF_OF_LIMIT),
    ),
    "forest-1": Work(
        "random forest of 100 trees, 1 row", "forest", 1, (Demand(factor=50, against="plain"),)
    ),
    "forest-1000": Work(
        "random forest of 100 trees, 1,000 rows",
        "forest",
        1000,
        (Demand(factor=4, against="plain"),),
    ),
}

MIXED_WORKS = {
    "mixed-1": Work("19 mixed columns, 1 row", MIXED, 1, (Demand(factor=30, against="plain"),)),
    "mixed-1000": Work(
        "19 mixed columns, 1,000 rows", MIXED, 1000, (Demand(factor=8, against="plain"),)
    ),
}


def measure_work(part: str, plan: Plan) -> Result:
    """Return the requests that each side answers a second.

    Args:
        part: which of `WORKS` and `MIXED_WORKS`.
        plan: how to measure.
    """
    work = (WORKS | MIXED_WORKS)[part]
    is_mixed = work.model == MIXED
    bodies = make_mixed_bodies(work.rows) if is_mixed else make_bodies(work.rows)
    model, sides = plan.model(work.model), plan.some("plain", SERVICE) if is_mixed else plan.sides
    samples = plan.interleaved(part, sides, lambda side: take_sample(plan, side, model, bodies))
    runs = {side: [sample.rate for sample in samples[side]] for side in samples}
    return Result(
        part=part, title=work.title, unit="/s", runs=runs, demands=work.demands, samples=samples
    )


def peak_memory(works: Iterable[Result]) -> Result:
    """Return the most memory that each side took for any of the works: their runs' peaks."""
    runs: dict[str, list[float]] = {}
    for work in works:
        for side, samples in work.samples.items():
            peaks = [sample.peak_bytes / _BYTES for sample in samples]
            # Of the works, the one whose median is the greatest.
            runs[side] = max(runs.get(side, peaks), peaks, key=_middle)
    return Result(
        part="memory",
        title="memory at peak of the above",
        unit="MB",
        runs=runs,
        demands=(Demand(factor=0.7, against="plain", at_most=True),),
    )


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
