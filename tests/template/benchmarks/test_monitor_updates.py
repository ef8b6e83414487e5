"""What a look costs is measured where there is something to see, and only with looks."""

from pathlib import Path

import pytest

from benchmarks.bench_models import make_bodies, make_model
from benchmarks.bench_report import markdown
from benchmarks.errors import LoadError
from benchmarks.machine import Cores
from benchmarks.monitor_updates import (
    INTERVALS,
    LABELS,
    WINDOW_ROWS,
    check_updates,
    prepare,
    results,
    send_true_values,
)
from benchmarks.plan import Plan
from benchmarks.results import SERVICE, Sample
from benchmarks.target import target
from tests.waiting import wait_until

PATIENCE_SECONDS = 60


@pytest.mark.slow  # the service is started
def test_windows_are_full_and_labels_are_there(tmp_path: Path) -> None:
    """Looks see as much as they may: a window, its drift from training, and its live scores.

    Labels that are sent twice are not new, which fails the comparison.
    """
    model, folder = make_model("tree", tmp_path / "tree"), tmp_path / "monitoring"
    plan = Plan(tmp_path, Cores(None, None), 1, 1, [SERVICE], lambda _: None)
    prepare(folder, model, 0.1)
    with target(plan, SERVICE, model, make_bodies(1), folder) as found:
        send_true_values(found)
        version = f'model="{model.name}",version="{model.version}"'
        scored = f"live_score_rows{{{version}}}"
        wait_until(lambda: found.server.metrics().get(scored) == LABELS, PATIENCE_SECONDS)
        seen = found.server.metrics()
        assert seen[f"window_rows{{{version}}}"] == WINDOW_ROWS
        assert any(name.startswith("drift_share{") for name in seen)
        with pytest.raises(LoadError, match=f"Of {LABELS} true values 0 were stored"):
            send_true_values(found)


@pytest.mark.parametrize(("age", "interval"), [(0.4, 1), (10.9, 10), (13.0, 86_400)])
def test_looks_that_are_due_are_no_error(age: float, interval: float) -> None:
    """In 11 s one was due every second, one every 10 s, and none once a day."""
    check_updates(age, interval, seconds=11)


@pytest.mark.parametrize(("age", "interval"), [(11.1, 1), (11.1, 10), (10.9, 86_400)])
def test_looks_that_are_missing_or_odd_are_an_error(age: float, interval: float) -> None:
    """Equal rates would mean nothing where no side looked, or every side."""
    with pytest.raises(LoadError, match=f"MONITORING_SECONDS={interval:g} "):
        check_updates(age, interval, seconds=11)


def test_rates_and_processor_times_are_compared_with_never() -> None:
    """A median each, its ratio to the first, and what it must reach: rates more, times less."""
    taken = {
        name: [Sample(rate, 1, 2, cpu, 3) for rate, cpu in ((rate, cpu), (1, 1), (rate, cpu))]
        for name, rate, cpu in zip(
            INTERVALS, (10_000, 9_500, 8_000), (60.0, 63.0, 75.0), strict=True
        )
    }
    lines = markdown(results(taken)).splitlines()[2:]
    assert [[cell.strip() for cell in line.split("|")[2:-1]] for line in lines] == [
        ["10,000/s", "1.00", "-", "-"],
        ["9,500/s", "0.95", "0.9 x never", "yes"],
        ["8,000/s", "0.80", "0.9 x never", "**no**"],
        ["60.0 us", "1.00", "-", "-"],
        ["63.0 us", "1.05", "at most 1.1 x never", "yes"],
        ["75.0 us", "1.25", "at most 1.1 x never", "**no**"],
    ]
