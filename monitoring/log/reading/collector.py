"""Metrics that are questions to the log: exact across crash and restart, computed at scrape."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitoring.log.errors import LogUnavailableError
from monitoring.log.reading.reader import LogReader


class LogCollector(Collector):
    """`predict_requests_total`, `predict_rows_total` and `prediction_log_bytes`.

    A log that can't be read gives no totals: none is true, a zero would be false.
    """

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    def describe(self) -> Iterable[Metric]:
        """Return the metrics without samples, so that registering reads no log."""
        return _families()

    def collect(self) -> Iterable[Metric]:
        """Read the ledger."""
        requests, rows, size = _families()
        size.add_metric([], self._reader.size_bytes())
        try:
            totals = self._reader.totals()
        except LogUnavailableError:
            totals = []
        for total in totals:
            labels = [total.model, total.version, total.outcome]
            requests.add_metric(labels, total.requests)
            rows.add_metric(labels, total.rows)
        return requests, rows, size


def _families() -> tuple[CounterMetricFamily, CounterMetricFamily, GaugeMetricFamily]:
    labels = ["model", "version", "outcome"]
    return (
        CounterMetricFamily("predict_requests", "Prediction requests to a model.", labels=labels),
        CounterMetricFamily("predict_rows", "Rows in those requests.", labels=labels),
        GaugeMetricFamily(
            "prediction_log_bytes",
            "Size of the prediction log on disk, including its write-ahead log.",
            labels=[],
        ),
    )
