"""Traffic over time: how many rows were answered, and how fast."""

from datetime import datetime
from typing import NamedTuple

from api.pages.wording import duration, moment, number, short_moment
from mlops.report.page.pictures import (
    Ends,
    Figure,
    Key,
    Line,
    columns_over_time,
    lines_over_time,
)
from monitoring.log.reading.traffic import Traffic


class TrafficView(NamedTuple):
    """Traffic, as `traffic.html` shows it."""

    rows: Figure
    latency: Figure
    steps: list[tuple[str, str, str, str]]
    """Start, rows, median and 99th percentile of the latency of each step of time."""


def traffic_view(traffic: Traffic) -> TrafficView:
    """Return how traffic is shown."""
    rows = [sum(v.steps.get(place, 0) for v in traffic.versions) for place in range(traffic.count)]
    times = [traffic.start + traffic.step * place for place in range(traffic.count + 1)]
    ends = Ends(short_moment(times[0]), short_moment(times[-1]))
    busiest = max(range(len(rows)), key=rows.__getitem__)
    alternative = (
        f"Rows answered in steps of {duration(traffic.step.total_seconds())}, from {ends.first} to "
        f"{ends.last} UTC: at most {number(max(rows))}, from {moment(times[busiest])} on."
    )
    picture = columns_over_time(rows, number(max(rows)), ends)
    return TrafficView(
        Figure(picture, alternative), _latency(traffic, ends), _steps(traffic, rows, times)
    )


def _latency(traffic: Traffic, ends: Ends) -> Figure:
    steps = [traffic.latencies.get(place) for place in range(traffic.count)]
    quantiles = [step.quantiles() if step else None for step in steps]
    median = [found.median if found else None for found in quantiles]
    p99 = [found.p99 if found else None for found in quantiles]
    highest = max(value for value in p99 if value is not None)
    picture = lines_over_time([Line(median), Line(p99, "second")], 0.0, highest, duration, ends)
    alternative = (
        f"Latency from {ends.first} to {ends.last} UTC: the 99th percentile is at most "
        f"{duration(highest)} in every step."
    )
    keys = [Key("window", "median"), Key("second", "99th percentile")]
    return Figure(picture, alternative, keys)


def _steps(
    traffic: Traffic, rows: list[int], times: list[datetime]
) -> list[tuple[str, str, str, str]]:
    steps = []
    for place, count in enumerate(rows):
        step = traffic.latencies.get(place)
        found = step.quantiles() if step else None
        latency = (duration(found.median), duration(found.p99)) if found else ("", "")
        steps.append((moment(times[place]), number(count), *latency))
    return steps
