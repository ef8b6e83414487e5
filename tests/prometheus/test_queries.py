"""Every query of the dashboards and rules, asked of a Prometheus that scrapes real services.

One service is healthy and gets labels. The other is in trouble: it refuses a damaged version, turns
requests away, and cannot write its log. So there are series for every query.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from model_store.file_store import FileModelStore
from tests.api.conftest import POLICY
from tests.faults.client import Response
from tests.faults.service import Service, started
from tests.prometheus.basket import basket_rows
from tests.prometheus.exposition import exposed_names
from tests.prometheus.processes import Prometheus, prometheus, until
from tests.prometheus.promql import metric_name, selectors
from tests.prometheus.span import span_draft
from tests.prometheus.stack_files import (
    DASHBOARDS,
    PROMETHEUS_OWN,
    RULES,
    SCRAPING,
    Query,
    panel_queries,
    read_dashboard,
    rule_queries,
    substituted,
)
from tests.publisher_key import SIGNER

pytestmark = pytest.mark.slow  # services and Prometheus are started, and scraped for a while
MOST_BYTES = 100_000
GOOD_ROW = b'{"a":1,"b":2}'
UNSEEN_ROW = b'{"a":1000,"b":2}'
ALL = panel_queries() + rule_queries()
SELECTORS = sorted({selector for query in ALL for selector in selectors(query.expression)})


@dataclass
class World:
    """The scraped services and their Prometheus."""

    prometheus: Prometheus
    well: Service
    troubled: Service

    def keep_busy(self) -> None:
        """Ask both services for some of everything."""
        feed_monitoring(self.well)
        for service in (self.well, self.troubled):
            ask(service)
        turn_away(self.troubled)

    def until_data(self, expression: str) -> list[dict[str, Any]]:
        """Return what a query finds, once it finds something; there is traffic meanwhile."""

        def find() -> list[dict[str, Any]]:
            self.keep_busy()
            return self.prometheus.query(expression)

        return until(find, f"There are no data: {expression}")


def ask(service: Service) -> None:
    """Ask for predictions: good, out of range, with probabilities, and not acceptable."""
    with service.connected() as connection:
        for path, body, status in (
            ("/predict", GOOD_ROW, 200),
            ("/predict", b"[%s]" % b",".join([UNSEEN_ROW] * 3), 200),
            ("/models/fruit/predict?probabilities=true", b'{"weight":60}', 200),
            ("/predict", b'{"a":"x"}', 422),
            ("/predict", b"[", 400),
            ("/nothing", b"", 404),
        ):
            answer = connection.exchange("POST", path, body, Content_Type="application/json")
            assert answer.status == status, answer
        assert connection.exchange("GET", "/metrics").status == 401
        assert connection.exchange("GET", "/health/ready").status == 200


def feed_monitoring(service: Service) -> None:
    """Ask models for enough rows to be monitored; send their labels and a business metric.

    Some rows of `basket` are not as those of its training.
    """
    asked: tuple[tuple[str, bytes, str | float], ...] = (
        ("/models/basket/predict?probabilities=true", basket_rows(), "Plum"),
        ("/predict", b"[%s]" % b",".join([GOOD_ROW] * 20), 6.5),
        ("/models/span/predict", b"[%s]" % b",".join([b'{"a":3}'] * 20), 3.5),
    )
    with service.connected() as connection:

        def post(path: str, body: bytes) -> Response:
            answer = connection.exchange("POST", path, body, Content_Type="application/json")
            assert answer.status == 200, answer
            return answer

        for path, body, truth in asked:
            answer = post(path, body)
            request, rows = answer.header("X-Request-ID"), range(len(json.loads(answer.body)))
            labels = [{"request_id": request, "row": row, "value": truth} for row in rows]
            post("/feedback", json.dumps(labels).encode())
        post("/business-metrics", b'{"revenue": 1000}')


def turn_away(service: Service) -> None:
    """Ask for more than there is room for, while another client takes nearly all of it."""
    size = MOST_BYTES - 1000
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {size}\r\n\r\n"
    )
    with service.server.connect() as holder, service.connected() as connection:
        holder.sendall(head.encode() + b" " * (size - 1))
        body = b" " * (MOST_BYTES // 2) + GOOD_ROW
        until(
            lambda: (
                connection.exchange(
                    "POST", "/predict", body, Content_Type="application/json"
                ).status
                == 503
            ),
            "Nothing is turned away.",
        )


def break_log(service: Service) -> None:
    """Put a folder in the log's place, so that nothing more can be written."""
    service.log.rename(service.log.with_suffix(".kept"))
    service.log.mkdir()


@pytest.fixture(scope="module")
def world(
    published: Path, damaged: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Run both services, and Prometheus, until something of everything has happened."""
    folder = tmp_path_factory.mktemp("world")
    password = folder / "metrics_password"
    # As `mlops serve` writes it, or a person with an editor.
    password.write_text("metrics-secret\n", "utf-8")
    trouble = {
        "LOG_ON_FAILURE": "serve",
        "PREDICT_QUEUE_BYTES": str(MOST_BYTES),
        "PREDICT_MAX_BODY_BYTES": str(MOST_BYTES),
    }
    monitored = {
        "LOG_MAX_BYTES": "10000000",
        "MONITORING_SECONDS": "0.5",
        "DRIFT_MIN_ROWS": "20",
        "BUSINESS_METRICS": "revenue",
    }
    for name in ("well", "troubled"):
        (folder / name).mkdir()
    shutil.copytree(published, folder / "well" / "models")
    store = FileModelStore(folder / "well" / "models", POLICY, signer=SIGNER)
    store.promote("span", store.publish(span_draft()))
    with ExitStack() as stack:
        well = stack.enter_context(started(folder / "well", published, **monitored))
        troubled = stack.enter_context(started(folder / "troubled", damaged, **trouble))
        feed_monitoring(well)
        ask(troubled)
        break_log(troubled)
        places = {
            '"service:8000"': f'"127.0.0.1:{well.port}", "127.0.0.1:{troubled.port}"',
            # Nobody listens there: as without the profile `monitoring`.
            "alertmanager:9093": "127.0.0.1:9",
            "/run/scrape/metrics_password": str(password),
        }
        scraping, rules = substituted(SCRAPING, places), substituted(RULES, {})
        scraper = stack.enter_context(prometheus(folder, scraping, rules))
        yield World(scraper, well, troubled)


def test_both_services_are_scraped_with_the_password_of_the_file(world: World) -> None:
    """The job is `service`, the name that the rules rely on."""
    targets = world.prometheus.targets()
    assert [target["labels"]["job"] for target in targets] == ["service"] * 2
    assert [target["health"] for target in targets] == ["up"] * 2, targets


@pytest.mark.parametrize("query", ALL, ids=lambda query: query.where)
def test_the_metrics_of_a_query_are_exposed(world: World, query: Query) -> None:
    """The service exposes them under that name."""
    found = {metric_name(selector) for selector in selectors(query.expression)}
    assert found, "A query that asks for nothing."
    assert found <= exposed_names(world.well.scrape()) | PROMETHEUS_OWN


@pytest.mark.parametrize("selector", SELECTORS)
def test_the_series_of_a_query_exist(world: World, selector: str) -> None:
    """They have these labels, with values that match."""
    assert world.until_data(selector)


@pytest.mark.parametrize("query", panel_queries(), ids=lambda query: query.where)
def test_each_panel_shows_something(world: World, query: Query) -> None:
    """Numbers; and what its legend names are labels of what it shows."""
    found = world.until_data(query.expression)
    wanted = set(re.findall(r"{{(\w+)}}", query.legend))
    assert wanted <= set.union(*(set(series["metric"]) for series in found)), query
    assert not [series for series in found if series["value"][1] == "NaN"]


def test_all_rules_are_evaluated_without_error(world: World) -> None:
    """Each has been asked at least once."""

    def evaluated() -> bool:
        return all(rule["health"] != "unknown" for rule in world.prometheus.rules())

    until(evaluated, "Some rules are never evaluated.")
    rules = world.prometheus.rules()
    assert {f"rules: {rule['name']}" for rule in rules} == {q.where for q in rule_queries()}
    assert {rule["health"] for rule in rules} == {"ok"}, rules


def test_alerts_of_the_service_in_trouble_fire(world: World) -> None:
    """The version that is refused and the log that fails, of the service in trouble alone."""
    names = {"ModelRefused", "PredictionLogFailing"}

    def firing() -> set[tuple[str, str]]:
        world.keep_busy()
        found = world.prometheus.query('ALERTS{alertstate="firing"}')
        return {
            (alert["metric"]["alertname"], alert["metric"]["instance"])
            for alert in found
            if alert["metric"]["alertname"] in names
        }

    wanted = {(name, f"127.0.0.1:{world.troubled.port}") for name in names}
    until(lambda: firing() >= wanted, "They do not fire.")
    assert firing() == wanted


def test_the_choices_of_a_dashboard_exist(world: World) -> None:
    """What its variables ask for are labels of a metric."""
    found = 0
    for path in DASHBOARDS:
        for variable in read_dashboard(path)["templating"]["list"]:
            asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"])
            assert asked, variable
            assert variable["query"]["query"] == variable["definition"]
            assert all(asked[2] in s["metric"] for s in world.until_data(asked[1]))
            found += 1
    assert found


def test_a_name_or_a_label_that_is_wrong_is_seen(world: World) -> None:
    """These checks can fail."""
    world.until_data("up == 1")
    assert "http_request_total" not in exposed_names(world.well.scrape())
    assert world.until_data('http_requests_total{route="/predict"}')
    assert not world.prometheus.query('http_requests_total{path="/predict"}')
    with pytest.raises(AssertionError, match="parse error"):
        world.prometheus.query("sum(rate(up))by")
