"""How the service is scraped: with a password that may change, and from any of its workers."""

from pathlib import Path

import pytest

from tests.faults.service import started
from tests.prometheus.exposition import exposed_names
from tests.prometheus.processes import prometheus, until
from tests.prometheus.promql import metric_name, selectors
from tests.prometheus.stack_files import (
    PROMETHEUS_OWN,
    RULES,
    SCRAPING,
    panel_queries,
    rule_queries,
    substituted,
)

pytestmark = pytest.mark.slow  # services and Prometheus are started


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return an empty folder for a service."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_a_password_that_is_mended_needs_no_restart(
    published: Path, tmp_path: Path, data: Path
) -> None:
    """A wrong one is an outage that the page of targets shows; the right one ends it."""
    password = tmp_path / "metrics_password"
    password.write_text("wrong", "utf-8")
    with started(data, published) as service:
        places = {
            "service:8000": f"127.0.0.1:{service.port}",
            "/run/scrape/metrics_password": str(password),
        }
        # Slower than above: ten wrong passwords in a minute would be answered with 429.
        scraping = substituted(SCRAPING, places, speedup=15)
        with prometheus(tmp_path, scraping, substituted(RULES, {})) as scraper:
            until(lambda: "401" in scraper.targets()[0]["lastError"], "It is let in.")
            assert scraper.targets()[0]["health"] == "down"
            password.write_text("metrics-secret", "utf-8")
            until(lambda: scraper.targets()[0]["health"] == "up", "It is not let in.")


def test_the_same_is_exposed_by_a_service_of_two_workers(published: Path, data: Path) -> None:
    """All that the queries ask for: the dashboards and rules are for both."""
    asked = {
        metric_name(s) for q in panel_queries() + rule_queries() for s in selectors(q.expression)
    }
    with started(data, published, SERVICE_WORKERS="2", LOG_MAX_BYTES="10000000") as service:
        service.wait_until_ready()
        assert asked - PROMETHEUS_OWN <= exposed_names(service.scrape())
