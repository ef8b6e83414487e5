"""Numbers of the client's own system."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from prometheus_client import CollectorRegistry

from monitoring.log import business_metrics
from monitoring.log.business_metrics import KEPT_VALUES, BusinessCollector, BusinessMetrics
from monitoring.log.database.queries import row
from monitoring.log.database.schema import SCHEMA
from monitoring.log.options import BUSINESS_METRIC_BYTES
from monitoring.log.timestamps import utc_text
from tests.monitoring.feedback.labelled_log import LabelledLog, moment


@pytest.fixture
def samples(path: Path) -> Callable[[], dict[tuple[str, str], float]]:
    """Scrape two declared metrics, an hour after noon."""

    def scrape() -> dict[tuple[str, str], float]:
        registry = CollectorRegistry()
        metrics = BusinessMetrics(path, ["revenue", "orders"])
        registry.register(BusinessCollector(metrics, lambda: moment(hours=1)))
        return {
            (sample.name, sample.labels["name"]): sample.value
            for family in registry.collect()
            for sample in family.samples
        }

    return scrape


def test_the_newest_value_is_shown_with_its_age(
    path: Path, samples: Callable[[], dict[tuple[str, str], float]]
) -> None:
    """That holds after a restart; names without a value or undeclared have no sample."""
    assert samples() == {}
    with LabelledLog(path) as log:
        log.add_business_metrics({"revenue": 10.0, "undeclared": 1.0})
        log.later(minutes=30)
        log.add_business_metrics({"revenue": 12.5})
    assert samples() == {
        ("business_metric", "revenue"): 12.5,
        ("business_metric_age_seconds", "revenue"): 1800,
    }


def test_so_many_values_of_each_name_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest; another name's stay."""
    monkeypatch.setattr(business_metrics, "KEPT_VALUES", 2)
    with LabelledLog(path) as log:
        log.add_business_metrics({"orders": 1.0})
        for value in (1.0, 2.0, 3.0):
            log.add_business_metrics({"revenue": value})
    kept = BusinessMetrics(path, ["revenue", "orders"]).newest(9)
    assert [measured.value for measured in kept["revenue"]] == [3, 2]
    assert [measured.value for measured in kept["orders"]] == [1]


def test_the_values_of_a_name_take_no_more_than_their_limit() -> None:
    """The test uses the longest name; the settings reserve as much of the log."""
    with closing(apsw.Connection(":memory:")) as connection:
        connection.execute(SCHEMA)
        before = _size(connection)
        for number in range(KEPT_VALUES * 2):
            business_metrics.store(connection, {"n" * 64: 1 / 3}, utc_text(moment(seconds=number)))
        took = _size(connection) - before
    assert BUSINESS_METRIC_BYTES / 2 < took <= BUSINESS_METRIC_BYTES


def _size(connection: apsw.Connection) -> int:
    [pages], [size] = (row(connection, f"PRAGMA {name}") for name in ("page_count", "page_size"))
    return int(pages * size)
