"""The metrics of the service as a whole."""

import shutil
from pathlib import Path

from prometheus_client import CollectorRegistry

from api.observe.service_collector import ServiceCollector


def samples(folder: Path, log_max_bytes: int | None = None) -> dict[str, float]:
    """Return the samples of the collector, by name."""
    registry = CollectorRegistry()
    registry.register(ServiceCollector(lambda: "", lambda: 7, folder, log_max_bytes))
    return {s.name: s.value for family in registry.collect() for s in family.samples}


def test_the_room_on_the_disk_is_that_of_local_data(tmp_path: Path) -> None:
    """The figures are those of the file system that holds the folder."""
    values = samples(tmp_path)
    assert values["local_data_filesystem_size_bytes"] == shutil.disk_usage(tmp_path).total
    free = values["local_data_filesystem_free_bytes"]
    assert 0 < free <= values["local_data_filesystem_size_bytes"]


def test_a_folder_that_is_gone_gives_no_figure(tmp_path: Path) -> None:
    """A zero would be false; the other metrics are still published."""
    assert samples(tmp_path / "gone") == {"service_ready": 1, "monitoring_age_seconds": 7}


def test_a_limit_of_the_log_is_published_if_there_is_one(tmp_path: Path) -> None:
    """An alert compares the size of the log with it."""
    assert "prediction_log_max_bytes" not in samples(tmp_path)
    assert samples(tmp_path, 5_000_000)["prediction_log_max_bytes"] == 5_000_000
