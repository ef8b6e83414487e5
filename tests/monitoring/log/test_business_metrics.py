"""Numbers of the client's own system."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from monitoring.log import business_metrics
from monitoring.log.business_metrics import BusinessCollector, BusinessMetrics
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
    """After a restart as before; a name that nobody told has no sample, one undeclared neither."""
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
