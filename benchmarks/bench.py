"""The comparison of the service with other servers: `make bench`. README.md says what it means."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.bench_report import caption, markdown, write_report
from benchmarks.errors import LoadError
from benchmarks.growth import MILLION, measure_log, measure_versions
from benchmarks.latencies import measure_alone, measure_half_rate, measure_start
from benchmarks.machine import Cores, Others, facts
from benchmarks.mixed_model import MIXED
from benchmarks.monitor_updates import measure_monitoring
from benchmarks.neighbours import measure_neighbours
from benchmarks.plan import Plan
from benchmarks.results import Result
from benchmarks.server_runs import SIDES
from benchmarks.target import CONNECTIONS
from benchmarks.training.measure import measure_training
from benchmarks.training.tables import TABLES
from benchmarks.works import MIXED_WORKS, WORKS, measure_work, peak_memory
from benchmarks.wrk import missing_programs
from settings.settings import Settings

SINGLE = {
    "start": measure_start,
    "half-rate": measure_half_rate,
    "alone": measure_alone,
    "neighbours": measure_neighbours,
    "versions": measure_versions,
}
PARTS = (*WORKS, MIXED, *SINGLE, "log", "monitoring")
TRAININGS = tuple(f"training-{table.name}" for table in TABLES)
ON_DEMAND = ("log-10m", "training", *TRAININGS)
"""Take minutes; the first also takes gigabytes. `training` is all that begin so."""


def main() -> None:
    """Measure what the command line asks for, print the table, write the report."""
    options = parse_options(sys.argv[1:])
    if not set(options.parts) <= {"training", *TRAININGS} and (wanted := missing_programs()):
        sys.exit(wanted)
    # A closed terminal or a stopped job must not leave servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("The comparison was stopped."))
    local_data = Settings().local_data.resolve()
    local_data.mkdir(parents=True, exist_ok=True)
    usable = os.sched_getaffinity(0)
    cores = Cores.of(usable)
    others = Others({core for core in (cores.server, cores.load) if core is not None} or usable)
    if cores.load is None:
        _report_progress("This process may use one core only: server and load share it, unpinned.")
    else:
        os.sched_setaffinity(0, {cores.load})
    try:
        with TemporaryDirectory(prefix="bench-", dir=local_data) as name:
            folder = Path(name)
            machine = facts(folder)
            plan = Plan(
                folder, cores, options.seconds, options.rounds, options.sides, _report_progress
            )
            results = measure(plan, options.parts)
    except LoadError as error:
        sys.exit(f"The comparison failed: {error}")
    used: dict[str, Any] = {
        "others_share": others.share(),
        "seconds": plan.seconds,
        "rounds": plan.rounds,
        "connections": CONNECTIONS,
        "pinned": cores.server is not None,
    }
    write_report(local_data / "reports", results, used, machine)
    print(markdown(results), caption(used, machine), sep="\n")


def measure(plan: Plan, parts: Sequence[str]) -> list[Result]:
    """Return what was measured, a result or two for each part.

    Raises:
        LoadError: a server did not start, did not answer right, or did not log what it answered.
    """
    works = [measure_work(part, plan) for part in WORKS if part in parts]
    results = [*works, peak_memory(works)] if works else []
    if MIXED in parts:
        results.extend(measure_work(part, plan) for part in MIXED_WORKS)
    results += [measure_it(plan) for part, measure_it in SINGLE.items() if part in parts]
    sizes = [MILLION] * ("log" in parts) + [10 * MILLION] * ("log-10m" in parts)
    if sizes:
        results.append(measure_log(plan, [0, *sizes]))
    if "monitoring" in parts:
        results.extend(measure_monitoring(plan))
    for part, table in zip(TRAININGS, TABLES, strict=True):
        if {"training", part} & set(parts):
            results.extend(measure_training(plan, table))
    return results


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what to measure: from the command line, else from the environment."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument(
        "--parts",
        type=_parts,
        default=os.environ.get("BENCH_PARTS") or ",".join(PARTS),
        help=f"what to measure: all, or some of {', '.join((*PARTS, *ON_DEMAND))}",
    )
    parser.add_argument(
        "--sides", type=_sides, default=",".join(SIDES), help=f"some of {', '.join(SIDES)}"
    )
    parser.add_argument("--seconds", type=float, default=os.environ.get("BENCH_SECONDS") or "5")
    parser.add_argument("--rounds", type=int, default=os.environ.get("BENCH_ROUNDS") or "3")
    return parser.parse_args(arguments)


def _parts(text: str) -> list[str]:
    known = [*PARTS, *ON_DEMAND]
    return known if text == "all" else _chosen(text, known)


def _sides(text: str) -> list[str]:
    return _chosen(text, list(SIDES))


def _chosen(text: str, known: list[str]) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(known):
        raise argparse.ArgumentTypeError(
            f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}"
        )
    return chosen


def _report_progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
