"""The time of an update over a large window, and of a scrape of its results."""

import time
from collections.abc import Callable

import msgspec
import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from benchmarks.drawn_window import drawn_window
from monitoring.log.database.views import ViewColumn
from monitoring.statistics import profile
from monitoring.windows.collector import WindowCollector
from monitoring.windows.columns import window_columns
from monitoring.windows.drift import Thresholds
from monitoring.windows.observation import Observation, observe

_SEED = 7
_CATEGORIES = 20


def update_and_scrape(
    columns: int = 100, rows: int = 10_000, repeats: int = 9
) -> tuple[float, float]:
    """Return the median milliseconds of an update and of a scrape.

    Half of the columns hold numbers, half one of 20 categories.
    """
    random = np.random.default_rng(_SEED)
    names = np.array([f"category {number}" for number in range(_CATEGORIES)], object)
    kinds = {f"x{place}": ("number", "category")[place % 2] for place in range(columns)}
    table = {
        name: random.normal(size=rows) if kind == "number" else random.choice(names, rows)
        for name, kind in kinds.items()
    }
    known = [ViewColumn(name, kind, "input") for name, kind in kinds.items()]
    values = zip(*(column.tolist() for column in table.values()), strict=True)
    encode = msgspec.json.encode
    texts = [(encode(dict(zip(table, row, strict=True))).decode(), "{}") for row in values]
    window = drawn_window(window_columns(known, profile(table, kinds)), texts)

    def update() -> Observation:
        return observe("model", "version", window, Thresholds(), fewest_rows=20)

    observed = [update()]
    registry = CollectorRegistry()
    registry.register(WindowCollector(lambda: observed))
    return (
        _milliseconds(update, repeats),
        _milliseconds(lambda: generate_latest(registry), repeats),
    )


def _milliseconds(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times))
