"""Metrics of several workers: whichever is scraped returns the sums over all of them.

Each worker counts in its own files, which are mapped into its memory (the multiprocess mode of
prometheus_client); the worker that is scraped adds them up. The kernel keeps the counts of a killed
worker, and its replacement continues in the same files, so that no counter goes backwards.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from time import sleep

from prometheus_client import CollectorRegistry, Gauge, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from api.observe.metrics import Metrics
from workers.worker_table import Member, WorkerTable

SAMPLE_SECONDS = 0.5


def shared_metrics(folder: Path, worker: int, worker_table: WorkerTable) -> Metrics:
    """Return the metrics of a worker; every later metric of this process is counted so, too.

    Args:
        folder: Empty when the service starts. Not on a disk that could be full: to count would then
            end the process by SIGBUS.
        worker: Its number, which only one process has at a time.
        worker_table: The processes whose metrics are published.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: worker)  # type: ignore[no-untyped-call]
    direct = CollectorRegistry()
    metrics = Metrics(direct)
    metrics.registry.register(SumCollector(folder, direct))
    metrics.registry.register(WorkerCollector(worker_table))
    threading.Thread(
        target=_sample, args=(metrics.queue_depth,), name="sample-queue", daemon=True
    ).start()
    return metrics


def forget_worker(folder: Path, worker: int) -> None:
    """Remove the gauges of a worker that ended; its counts stay."""
    mark_process_dead(worker, str(folder))  # type: ignore[no-untyped-call]


def _sample(gauge: Gauge) -> None:
    # A gauge that calls a function when it is scraped can be asked in its own process only.
    while True:
        (family,) = gauge.collect()
        gauge.set(family.samples[0].value)
        sleep(SAMPLE_SECONDS)


class SumCollector(Collector):
    """The direct metrics of all workers, those before them included."""

    def __init__(self, folder: Path, direct: CollectorRegistry) -> None:
        self._folder = folder
        self._fast_path = direct

    def collect(self) -> Iterator[Metric]:
        """Add up, including metrics that no worker has counted yet."""
        # A file is empty for a moment after it was made.
        files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
        merged = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        counted: dict[str, Metric] = {metric.name: metric for metric in merged}
        for family in self._fast_path.collect():
            empty = Metric(family.name, family.documentation, family.type)
            yield counted.get(family.name, empty)


class WorkerCollector(Collector):
    """The processes of the service: how many there are, and what each one takes."""

    def __init__(self, worker_table: WorkerTable) -> None:
        self._worker_table = worker_table

    def collect(self) -> Iterable[Metric]:
        """Ask the operating system about each."""
        members = list(self._worker_table)
        workers = GaugeMetricFamily(
            "service_workers",
            "Running worker processes.",
            value=sum(m.pid > 0 and m.name.startswith("worker") for m in members),
        )
        restarts = CounterMetricFamily(
            "service_process_restarts",
            "Number of times a process of the service ended and was replaced.",
            labels=["process"],
        )
        for member in members[1:]:
            restarts.add_metric([member.name], member.restarts)
        return workers, restarts, *_resources(members)


def _resources(members: Iterable[Member]) -> Iterable[Metric]:
    """Return the process metrics of prometheus_client for each process."""
    families: dict[str, Metric] = {}
    for member in members:
        for family in ProcessCollector(pid=partial(int, member.pid), registry=None).collect():
            metric = families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            # A total goes on from that of the process before.
            before = member.cpu_seconds if family.type == "counter" else 0
            for sample in family.samples:
                metric.add_sample(sample.name, {"process": member.name}, sample.value + before)
    return families.values()
