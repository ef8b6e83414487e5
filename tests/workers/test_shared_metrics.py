"""Metrics of several workers: each worker publishes what all of them counted."""

import os
from pathlib import Path

import pytest
from prometheus_client import values

from api.observe.metrics import Metrics
from workers import shared_metrics as shared
from workers.shared_metrics import forget_worker, shared_metrics
from workers.worker_table import LOG_SLOT, WorkerTable

Samples = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count in memory again afterwards, as every other test does."""
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")


@pytest.fixture
def worker_table() -> WorkerTable:
    """Return a worker table of two workers, both of them this process."""
    worker_table = WorkerTable(2)
    for slot in worker_table.slots:
        worker_table.started(slot, os.getpid())
    return worker_table


def samples(metrics: Metrics, prefix: str) -> Samples:
    """Return the samples whose names begin so, by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name.startswith(prefix)
    }


def test_each_worker_publishes_the_sum(tmp_path: Path, worker_table: WorkerTable) -> None:
    """Counters and histograms are summed, also for labels that only one worker has used."""
    workers = [shared_metrics(tmp_path, number, worker_table) for number in (1, 2)]
    for number, metrics in enumerate(workers, 1):
        metrics.rejected.labels("overloaded").inc(number)
        metrics.batch_rows.observe(number)
    workers[1].rejected.labels("too-large").inc()
    for metrics in workers:
        assert samples(metrics, "predict_rejected") == {
            ("predict_rejected_total", "overloaded"): 3,
            ("predict_rejected_total", "too-large"): 1,
        }
        found = samples(metrics, "predict_batch_rows")
        assert found["predict_batch_rows_sum",] == 3
        assert found["predict_batch_rows_count",] == 2
        assert found["predict_batch_rows_bucket", "1.0"] == 1


def test_a_replacement_counts_on(tmp_path: Path, worker_table: WorkerTable) -> None:
    """The counts of the replaced worker are neither lost nor counted twice."""
    shared_metrics(tmp_path, 1, worker_table).log_failures.inc(5)
    forget_worker(tmp_path, 1)
    again = shared_metrics(tmp_path, 1, worker_table)
    assert samples(again, "prediction_log_failures") == {("prediction_log_failures_total",): 5}
    again.log_failures.inc()
    assert samples(again, "prediction_log_failures") == {("prediction_log_failures_total",): 6}


def test_a_gauge_of_a_worker_ends_with_it(
    tmp_path: Path, worker_table: WorkerTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker samples the length of its queue, and all workers publish the sum."""
    monkeypatch.setattr(shared, "SAMPLE_SECONDS", 0.001)
    one, two = (shared_metrics(tmp_path, number, worker_table) for number in (1, 2))
    one.queue_depth.set_function(lambda: 3)
    two.queue_depth.set_function(lambda: 4)
    both = {("predict_queue_depth",): 7.0}
    assert any(samples(two, "predict_queue_depth") == both for _ in range(10_000))
    forget_worker(tmp_path, 1)
    assert samples(two, "predict_queue_depth") == {("predict_queue_depth",): 4}


def test_a_name_is_there_before_it_was_counted(tmp_path: Path, worker_table: WorkerTable) -> None:
    """It has its help text and no sample, as with one process."""
    metrics = shared_metrics(tmp_path, 1, worker_table)
    families = {family.name: family for family in metrics.registry.collect()}
    alone = Metrics().registry.collect()
    for family in alone:
        # The metrics of the garbage collector are those of one process only.
        if not family.name.startswith(("process_", "python_gc_")):
            assert families[family.name].documentation == family.documentation
            assert families[family.name].type == family.type


def test_a_file_that_is_not_yet_filled_is_passed_by(
    tmp_path: Path, worker_table: WorkerTable
) -> None:
    """A worker that starts makes it a moment before."""
    metrics = shared_metrics(tmp_path, 1, worker_table)
    metrics.log_failures.inc()
    (tmp_path / "counter_2.db").touch()
    assert samples(metrics, "prediction_log_failures") == {("prediction_log_failures_total",): 1}


def test_processes_are_published_one_by_one(tmp_path: Path, worker_table: WorkerTable) -> None:
    """Metrics give the number of workers, the replaced ones, and the resources of each."""
    metrics = shared_metrics(tmp_path, 1, worker_table)
    found = samples(metrics, "process_resident_memory_bytes")
    assert {name for _, name in found} == {"supervisor", "log", "worker-1", "worker-2"}
    assert samples(metrics, "service_workers") == {("service_workers",): 2}
    worker_table.ended(2, cpu_seconds=100)
    assert samples(metrics, "service_workers") == {("service_workers",): 1}
    assert ("process_cpu_seconds_total", "worker-2") not in samples(metrics, "process")
    worker_table.started(2, os.getpid())
    assert samples(metrics, "service_process_restarts") == {
        ("service_process_restarts_total", "log"): 0,
        ("service_process_restarts_total", "worker-1"): 0,
        ("service_process_restarts_total", "worker-2"): 1,
    }
    # A total goes on where the one before left it.
    cpu = samples(metrics, "process_cpu_seconds_total")
    used = cpu["process_cpu_seconds_total", "worker-1"]
    assert cpu["process_cpu_seconds_total", "worker-2"] >= used + 100


def test_a_worker_has_its_part_once_another_one_has_fewer(worker_table: WorkerTable) -> None:
    """One that has ended has none to come, and the log's process takes none."""
    assert LOG_SLOT in worker_table.slots
    assert not worker_table.has_its_share(1, 0)
    assert worker_table.has_its_share(1, 1)
    assert not worker_table.has_its_share(2, 1)
    assert not worker_table.has_its_share(1, 1)
    worker_table.ended(2, 0)
    assert not worker_table.has_its_share(1, 9)
