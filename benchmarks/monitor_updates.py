"""The cost of the monitor: with frequent updates, with the default interval, and without."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from benchmarks.bench_models import OUTPUT, BenchModel, Rows, make_bodies
from benchmarks.errors import LoadError
from benchmarks.filled_log import fill_log
from benchmarks.growth import NO_LESS
from benchmarks.plan import Plan
from benchmarks.results import SERVICE, Demand, Result, Sample
from benchmarks.server_runs import LOG, remove
from benchmarks.target import Target, target
from monitoring.log.reading.reader import LogReader
from settings.settings import Settings

_BY_DEFAULT = Settings.model_fields["monitoring_seconds"].default
INTERVALS = {"never": 86_400, f"every {_BY_DEFAULT:g} s": _BY_DEFAULT, "every 1 s": 1}
"""`MONITORING_SECONDS` of each side; the first update of `never` is hours away."""
NO_MORE = 1.1
"""The greatest processor time, as a multiple of that without updates."""
LEAST_SECONDS = _BY_DEFAULT + 1
"""How long a run counts at least: updates are an interval and their own duration apart."""
WINDOW_ROWS = Settings.model_fields["window_rows"].default
LABELS = Settings.model_fields["feedback_rows"].default


def measure_monitoring(plan: Plan) -> list[Result]:
    """Return the service's rate and its processor time a request, by the interval of updates."""
    model, bodies = plan.model("tree"), make_bodies(1)
    return results(
        plan.interleaved(
            "monitoring",
            list(INTERVALS),
            lambda name: _sample(plan, model, bodies, INTERVALS[name]),
        )
    )


def results(samples: Mapping[str, Sequence[Sample]]) -> list[Result]:
    """Return rates and processor times of the samples of all `INTERVALS`."""
    never, *others = INTERVALS
    title = "service, decision tree, 1 row, {}windows updated"
    return [
        Result(
            part="monitoring",
            title=title.format(""),
            unit="/s",
            runs={name: [sample.rate for sample in samples[name]] for name in INTERVALS},
            demands=tuple(Demand(factor=NO_LESS, of=name, against=never) for name in others),
            samples={name: list(samples[name]) for name in INTERVALS},
        ),
        Result(
            part="monitoring-processor",
            title=title.format("processor time a request, "),
            unit="us",
            runs={name: [sample.cpu for sample in samples[name]] for name in INTERVALS},
            demands=tuple(
                Demand(factor=NO_MORE, of=name, against=never, at_most=True) for name in others
            ),
        ),
    ]


def _sample(plan: Plan, model: BenchModel, bodies: list[Rows], interval: float) -> Sample:
    seconds = max(plan.seconds, LEAST_SECONDS)
    folder = plan.folder / "monitoring"
    try:
        prepare(folder, model, interval)
        with target(plan, SERVICE, model, bodies, folder) as found:
            send_true_values(found)
            found.warm_up()
            sample = found.sample(seconds)
            age = found.server.metrics()["monitoring_age_seconds"]
    finally:
        remove(folder)
    check_updates(age, interval, seconds)
    return sample


def prepare(folder: Path, model: BenchModel, interval: float) -> None:
    """Make a LOCAL_DATA with a log that fills the window, and with a `MONITORING_SECONDS`."""
    fill_log(folder / LOG, model, max(WINDOW_ROWS, LABELS))
    (folder / "settings.ini").write_text(f"[monitoring]\nseconds = {interval}\n")


def check_updates(age: float, interval: float, seconds: float) -> None:
    """Assert that an update came during the run, or none where none should.

    Args:
        age: seconds since the last update, at the end.
        interval: the `MONITORING_SECONDS` of the service.
        seconds: how long the run counted.

    Raises:
        LoadError: an update is missing, or came where none should.
    """
    if (age <= seconds) != (interval <= seconds):
        raise LoadError(
            f"With MONITORING_SECONDS={interval:g} the last update was {age:.1f} s before the end "
            f"of {seconds:g} s."
        )


def send_true_values(found: Target) -> None:
    """Send the true values of the first logged rows: as many as live scores use.

    Raises:
        LoadError: the service did not store all of them.
    """
    logged = map(msgspec.json.decode, LogReader(found.server.folder / LOG).export())
    labels = [
        {"request_id": request["request_id"], "row": 0, "value": request["outputs"][0][OUTPUT]}
        for request in islice(logged, LABELS)
    ]
    [answer] = found.server.ask([msgspec.json.encode(labels)], "/feedback")
    stored = [item["status"] for item in msgspec.json.decode(answer)].count("stored")
    if stored != LABELS:
        raise LoadError(f"Of {LABELS} true values {stored} were stored.")
