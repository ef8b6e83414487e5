"""Metrics of the service as a whole: is it ready, and has it room on its disk? Read at scrape."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class ServiceCollector(Collector):
    """Tells `/health/ready`'s verdict, and how full the file system of `local_data` is.

    Args:
        missing: What keeps the service from being ready, as a sentence; usually empty.
        monitoring_age: The seconds since windows and labels were looked at.
        folder: Where everything is written.
        log_max_bytes: The size that the prediction log is kept within; None: any.
    """

    def __init__(
        self,
        missing: Callable[[], str],
        monitoring_age: Callable[[], float],
        folder: Path,
        log_max_bytes: int | None,
    ) -> None:
        self._missing = missing
        self._monitoring_age = monitoring_age
        self._folder = folder
        self._log_max_bytes = log_max_bytes

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics as they are now."""
        yield GaugeMetricFamily(
            "service_ready", "1 while predictions can be answered, else 0.", not self._missing()
        )
        yield GaugeMetricFamily(
            "monitoring_age_seconds",
            "Time since windows, drift and live scores were brought up to date.",
            self._monitoring_age(),
        )
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:
            # Not a folder any more: no number is true.
            disk = None
        if disk:
            yield GaugeMetricFamily(
                "local_data_filesystem_free_bytes",
                "Room for the service's user on the file system that holds local_data.",
                disk.free,
            )
            yield GaugeMetricFamily(
                "local_data_filesystem_size_bytes",
                "Size of the file system that holds local_data.",
                disk.total,
            )
        if self._log_max_bytes:
            yield GaugeMetricFamily(
                "prediction_log_max_bytes",
                "LOG_MAX_BYTES: the size that the prediction log is kept within.",
                self._log_max_bytes,
            )
