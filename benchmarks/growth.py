"""What grows: the prediction log, and the store. A row must not cost more for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.bench_models import BenchModel, make_bodies, make_model
from benchmarks.filled_log import fill_log
from benchmarks.plan import Plan
from benchmarks.results import SERVICE, Demand, Result, Sample
from benchmarks.server_runs import LOG
from benchmarks.target import take_sample

NO_LESS = 0.9
"""Of the rate with the first; a tenth is what the rates of equal servers differ by."""

MILLION = 1_000_000
VERSIONS = 100


def measure_log(plan: Plan, sizes: Sequence[int]) -> Result:
    """Return the service's rate over logs of several sizes.

    Args:
        plan: how to measure.
        sizes: logged requests of one row, the smallest first; 0 is a log that does not yet exist.
    """
    model = plan.model("tree")
    found: dict[str, tuple[BenchModel, Path | None]] = {}
    for size in sizes:
        folder = plan.folder / f"log-{size}" if size else None
        if folder:
            plan.report(f"Filling a log with {size:,} rows.")
            fill_log(folder / LOG, model, size)
        found[f"{size:,} rows"] = model, folder
    return _grown("log", "log", plan, found)


def measure_versions(plan: Plan) -> Result:
    """Return the service's rate with a store of one version, and of many."""
    plan.report(f"Publishing {VERSIONS} versions.")
    many = make_model("tree", plan.folder / "versions", versions=VERSIONS)
    found = {"1 version": (plan.model("tree"), None), f"{VERSIONS} versions": (many, None)}
    return _grown("versions", "store", plan, found)


def _grown(
    part: str, what: str, plan: Plan, found: Mapping[str, tuple[BenchModel, Path | None]]
) -> Result:
    bodies = make_bodies(1)
    names = list(found)

    def sample(name: str) -> Sample:
        model, folder = found[name]
        return take_sample(plan, SERVICE, model, bodies, folder)

    samples = plan.interleaved(part, names, sample)
    return Result(
        part=part,
        title=f"service, decision tree, 1 row, {what} of",
        unit="/s",
        runs={name: [sample.rate for sample in samples[name]] for name in samples},
        demands=tuple(Demand(factor=NO_LESS, of=name, against=names[0]) for name in names[1:]),
        samples=samples,
    )
