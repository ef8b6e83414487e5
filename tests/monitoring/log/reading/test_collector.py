"""Metrics that equal the ledger, across a restart."""

from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry

from monitoring.log.reading.collector import LogCollector
from monitoring.log.reading.reader import LogReader
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]
ANSWERED = {"model": "iris", "version": "v1", "outcome": "answered"}


def test_totals_are_read_at_each_scrape_and_survive_a_restart(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """No count is kept in memory, so none can be lost."""
    registry = CollectorRegistry()
    registry.register(LogCollector(LogReader(path)))
    for expected in (1, 2):
        with new_log() as log:
            log.write([new_entry(rows=3), new_entry(outcome="failed", rows=2)])
            assert registry.get_sample_value("predict_requests_total", ANSWERED) == expected
            assert registry.get_sample_value("predict_rows_total", ANSWERED) == 3 * expected
            failed = ANSWERED | {"outcome": "failed"}
            assert registry.get_sample_value("predict_rows_total", failed) == 2 * expected
            size = registry.get_sample_value("prediction_log_bytes")
            assert size == sum(
                file.stat().st_size for file in (path, path.with_name(path.name + "-wal"))
            )


def test_a_scrape_without_a_log_gives_no_totals(path: Path) -> None:
    """Zero would be false: the count is unknown."""
    registry = CollectorRegistry()
    registry.register(LogCollector(LogReader(path)))
    assert registry.get_sample_value("predict_requests_total", ANSWERED) is None
    assert registry.get_sample_value("prediction_log_bytes") == 0
