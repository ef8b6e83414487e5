"""Metrics of the service as a whole, read at scrape: readiness and free disk space."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class ServiceCollector(Collector):
    """Publishes the verdict of `/health/ready` and the free space of `local_data`.

    Args:
        missing: Returns why the service is not ready, as a sentence; usually empty.
        monitoring_age: Returns the seconds since the monitor's last update.
        folder: Where everything is written.
        log_max_bytes: The maximum size of the prediction log; None: no limit.
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
            "service_ready", "1 if predictions can be answered, else 0.", not self._missing()
        )
        yield GaugeMetricFamily(
            "monitoring_age_seconds",
            "Time since windows, drift and live scores were updated.",
            self._monitoring_age(),
        )
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:
            # The folder is gone: no number would be true.
            disk = None
        if disk:
            yield GaugeMetricFamily(
                "local_data_filesystem_free_bytes",
                "Free space for the service's user on the file system of local_data.",
                disk.free,
            )
            yield GaugeMetricFamily(
                "local_data_filesystem_size_bytes",
                "Size of the file system of local_data.",
                disk.total,
            )
        if self._log_max_bytes:
            yield GaugeMetricFamily(
                "prediction_log_max_bytes",
                "LOG_MAX_BYTES, the maximum size of the prediction log.",
                self._log_max_bytes,
            )
