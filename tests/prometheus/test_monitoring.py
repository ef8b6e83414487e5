"""The service monitors itself: from rows unlike those of the training to a message.

The real service, its models trained by the real pipeline; the real Prometheus, Alertmanager and
rules between; a webhook that listens. What happened when is printed, in seconds: `pytest -s`. The
times of the rules are divided by `SPEEDUP`.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ml_pipe.runner.source.export import PACKAGE
from ml_pipe.workflow import run_pipeline
from settings.model_settings import TRUSTED_TYPES
from tests.faults.service import Service, started
from tests.prometheus.homes import GAPPY, NEWLY, SHIFTED, TARGET, changed, homes, rows_of
from tests.prometheus.notifications import WEBHOOK, Say, alerting
from tests.prometheus.processes import Prometheus, alertmanager, prometheus, until
from tests.prometheus.receivers import Receiver, receiving
from tests.prometheus.stack_files import RULES, SCRAPING, read_yaml, substituted
from tests.run_context import context_in

pytestmark = pytest.mark.slow  # a model is trained, daemons are started, and wait as configured
WINDOW = 1_000
"""The default of WINDOW_ROWS and of FEEDBACK_ROWS."""
ROWS = 2 * WINDOW
ROWS_A_REQUEST = 250
IRIS = PACKAGE.parent / "examples" / "iris"

Alert = tuple[str, str]
"""The name of an alert, and the column or the score that it names."""
NAMED: set[Alert] = {
    ("FeatureDrift", SHIFTED),
    ("UnseenCategories", NEWLY),
    ("MissingValues", GAPPY),
}
SCORES: set[Alert] = {("LiveScoreLow", "accuracy"), ("LiveScoreLow", "f1_macro")}
MONITORING = {
    rule["alert"]
    for group in read_yaml(RULES)["groups"]
    if group["name"] == "monitoring"
    for rule in group["rules"]
}
"""The alerts about rows and labels: a full disk of the machine that runs this is none of them."""


def alert_of(labels: dict[str, str]) -> Alert:
    """Return what an alert is called and what it names."""
    return labels["alertname"], labels.get("column") or labels.get("metric", "")


@dataclass
class World:
    """The service, its Prometheus, and the receiver of messages."""

    service: Service
    prometheus: Prometheus
    server: Receiver
    asked: list[str] = field(default_factory=list)
    """The ids of all requests, each of `ROWS_A_REQUEST` rows."""

    def ask(self, table: pd.DataFrame, model: str = "homes") -> None:
        """Ask a model for the targets of a table."""
        rows = rows_of(table)
        with self.service.connected() as connection:
            for start in range(0, len(rows), ROWS_A_REQUEST):
                body = json.dumps(rows[start : start + ROWS_A_REQUEST]).encode()
                answer = connection.exchange(
                    "POST", f"/models/{model}/predict", body, Content_Type="application/json"
                )
                assert answer.status == 200, answer
                self.asked.append(str(answer.header("X-Request-ID")))

    def label(self, truth: "pd.Series[Any]") -> None:
        """Send the true prices of the homes that were asked for last."""
        ids = self.asked[-len(truth) // ROWS_A_REQUEST :]
        items = [
            {
                "request_id": ids[place // ROWS_A_REQUEST],
                "row": place % ROWS_A_REQUEST,
                "value": value,
            }
            for place, value in enumerate(truth)
        ]
        body = json.dumps(items).encode()
        with self.service.connected() as connection:
            answer = connection.exchange("POST", "/feedback", body, Content_Type="application/json")
        assert answer.status == 200, answer
        assert {item["status"] for item in json.loads(answer.body)} == {"stored"}

    def value(self, expression: str) -> float:
        """Return the number that a query finds; NaN if there is none yet."""
        found = self.prometheus.query(expression)
        return float(found[0]["value"][1]) if found else float("nan")

    def alerts(self, *states: str) -> set[Alert]:
        """Return the alerts that are in one of these states now."""
        found = self.prometheus.query(f'ALERTS{{alertstate=~"{"|".join(states)}"}}')
        labels = [series["metric"] for series in found if series["metric"]["job"] == "service"]
        return {alert_of(each) for each in labels if each["alertname"] in MONITORING}

    def sent(self) -> list[dict[str, Any]]:
        """Return the alerts that the webhook was sent so far."""
        sent = [each for message in self.server.sent_to(WEBHOOK) for each in message["alerts"]]
        return [each for each in sent if each["labels"]["alertname"] in MONITORING]

    def notified(self, status: str) -> set[Alert]:
        """Return the alerts with a status that the webhook was sent so far."""
        return {alert_of(each["labels"]) for each in self.sent() if each["status"] == status}

    def wait_for_evaluations(self) -> None:
        """Wait until each rule was evaluated twice, on what Prometheus knows now."""
        for _ in range(2):
            before = self._evaluations()
            until(partial(self._are_later, before), "Some rules are not evaluated any more.")

    def _are_later(self, before: list[str]) -> bool:
        return all(now > then for now, then in zip(self._evaluations(), before, strict=True))

    def _evaluations(self) -> list[str]:
        return [rule["lastEvaluation"] for rule in self.prometheus.rules()]


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """Return a folder of models: `homes` and `iris`, as `mlops train` publishes them."""
    table, training = tmp_path / "homes.parquet", tmp_path / "training"
    homes(3_000, seed=1).to_parquet(table)
    parameters = {"data": str(table), "target": TARGET}
    for folder, given in ((PACKAGE, parameters), (IRIS, {})):
        assert run_pipeline(folder, given, context_in(training)).version
    return training / "models"


@pytest.fixture
def world(trained: Path, tmp_path: Path) -> Iterator[World]:
    """Start all processes."""
    password, data = tmp_path / "password", tmp_path / "data"
    password.write_text("metrics-secret", "utf-8")
    data.mkdir()
    settings = {
        "MODEL_NAME": "homes",
        "MODEL_TRUSTED_TYPES": ",".join(TRUSTED_TYPES),
        "MONITORING_SECONDS": "0.5",
    }
    with ExitStack() as stack:
        service = stack.enter_context(started(data, trained, **settings))
        server = stack.enter_context(receiving())
        alerts = stack.enter_context(alertmanager(tmp_path, alerting(tmp_path, "webhook", server)))
        places = {
            "service:8000": f"127.0.0.1:{service.port}",
            "alertmanager:9093": alerts.address,
            "/run/scrape/metrics_password": str(password),
        }
        scraping, rules = substituted(SCRAPING, places), substituted(RULES, {})
        yield World(service, stack.enter_context(prometheus(tmp_path, scraping, rules)), server)


def test_changed_columns_and_scores_reach_a_person(world: World, say: Say) -> None:
    """Rows like those of the training raise no alert; changed rows raise their own alerts alone."""
    usual, others, later = homes(ROWS, 2), changed(homes(ROWS, 3)), homes(ROWS, 4)
    flowers = pd.read_csv(IRIS / "iris.csv").sample(ROWS, replace=True, random_state=5)
    flowers = flowers.drop(columns="variety")
    say("the service is scraped")

    world.ask(flowers, "iris")
    world.ask(usual)
    world.label(usual[TARGET])
    say(f"asked both models {ROWS} rows like those of their training, and sent the labels of homes")
    until(lambda: world.value("min(window_rows)") == WINDOW, "The rows are not seen.")
    until(lambda: world.value('live_score_rows{model="homes"}') == WINDOW, "Labels are not scored.")
    before = world.value('live_score{metric="accuracy"}')
    world.wait_for_evaluations()
    assert world.alerts("pending", "firing") == set()
    say(f"no alert is even pending; live accuracy {before:.3f}")

    world.ask(others)
    say(f"asked {ROWS} rows with one shifted column, one new category and 10 % missing values")
    wait_until_firing(world, NAMED, say)
    until(lambda: world.notified("firing") >= NAMED, "The webhook is not sent them all.")
    say(f"the webhook was sent {in_words(world.notified('firing'))}")
    assert world.notified("firing") == NAMED

    world.label(half_wrong(others[TARGET]))
    say("sent the labels of these rows, half of them wrong")
    wait_until_firing(world, NAMED | SCORES, say)
    after = world.value('live_score{metric="accuracy"}')
    assert after < before - 0.3
    until(lambda: world.notified("firing") >= SCORES, "The webhook is not sent the score.")
    assert world.notified("firing") == NAMED | SCORES
    say(f"the webhook was sent {in_words(SCORES)}: live accuracy {after:.3f}")

    world.ask(later)
    world.label(later[TARGET])
    say(f"asked {ROWS} rows like those of the training again, and sent their labels")
    until(lambda: world.value("max(drift_detected)") == 0, "The drift does not end.")
    until(lambda: not world.alerts("pending", "firing"), "Some alerts do not end.")
    say("no alert is left")
    until(lambda: world.notified("resolved") >= NAMED | SCORES, "The webhook is not sent the end.")
    assert world.notified("resolved") == world.notified("firing") == NAMED | SCORES
    say("the webhook was sent that all is over")
    for alert in world.sent():
        name, what = alert_of(alert["labels"])
        assert what in alert["annotations"]["summary"], f"{name} names nothing."


def wait_until_firing(world: World, expected: set[Alert], say: Say) -> None:
    """Wait until these alerts fire, and say when each began; no others do or are about to."""
    known: set[Alert] = world.alerts("firing")

    def are_firing() -> bool:
        found = world.alerts("firing")
        for alert in sorted(found - known):
            say(f"firing: {in_words({alert})}")
        known.update(found)
        return found >= expected

    until(are_firing, f"Not all of {expected} fire.")
    world.wait_for_evaluations()
    assert world.alerts("pending", "firing") == expected


def half_wrong(truth: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return labels of which every second one is wrong."""
    wrong = truth.map({"high": "low", "low": "high"})
    return truth.where(truth.index % 2 == 0, wrong)


def in_words(alerts: set[Alert]) -> str:
    """Return alerts as `Name(column)`."""
    return ", ".join(f"{name}({what})" for name, what in sorted(alerts))
