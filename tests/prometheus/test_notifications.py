"""From a service that stops to the message that a person gets, with the real daemons.

Each test prints what happened when, in seconds: `pytest -s`. The times of the files are divided by
`SPEEDUP`.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.service import started
from tests.free_port import free_port
from tests.prometheus.notifications import SLACK, WEBHOOK, Say, alerting
from tests.prometheus.processes import Daemon, alertmanager, prometheus, until
from tests.prometheus.receivers import receiving
from tests.prometheus.stack_files import (
    ALERTING,
    RULES,
    SCRAPING,
    substituted,
)

pytestmark = pytest.mark.slow  # daemons are started, and wait as they are configured to
ANNOTATIONS = {"summary": "It is so.", "description": "It means so.", "action": "Do so."}


def alert(name: str, severity: str = "warning", instance: str = "service:8000") -> dict[str, Any]:
    """Return an alert as Prometheus posts it."""
    labels = {"alertname": name, "severity": severity, "job": "service", "instance": instance}
    return {"labels": labels, "annotations": ANNOTATIONS}


def names(message: dict[str, Any]) -> set[str]:
    """Return the names of the alerts in a webhook's message."""
    return {each["labels"]["alertname"] for each in message["alerts"]}


def test_a_service_that_stops_is_notified_once_and_so_is_its_return(
    published: Path, tmp_path: Path, say: Say
) -> None:
    """Alertmanager sends one message when the service is down and one when it is back."""
    password = tmp_path / "password"
    password.write_text("metrics-secret", "utf-8")
    data = tmp_path / "data"
    data.mkdir()
    port = str(free_port())
    with (
        receiving() as server,
        alertmanager(tmp_path, alerting(tmp_path, "webhook", server)) as alerts,
    ):
        places = {
            "service:8000": f"127.0.0.1:{port}",
            "alertmanager:9093": alerts.address,
            "/run/scrape/metrics_password": str(password),
        }
        scraping, rules = substituted(SCRAPING, places), substituted(RULES, {})
        with prometheus(tmp_path, scraping, rules) as scraper:

            def statuses() -> list[str]:
                return [
                    each["status"]
                    for message in server.sent_to(WEBHOOK)
                    for each in message["alerts"]
                    if each["labels"]["alertname"] == "InstanceDown"
                ]

            with started(data, published, SERVICE_PORT=port):
                until(lambda: scraper.query("up == 1"), "The service is not scraped.")
                say("scraped")
            say("stopped")
            until(lambda: scraper.query("up == 0"), "The stop is not seen.")
            say("seen by Prometheus")
            until(lambda: "firing" in statuses(), "No message says that it is down.")
            say("notified that it is down")
            with started(data, published, SERVICE_PORT=port):
                say("started again")
                until(lambda: "resolved" in statuses(), "No message says that it is over.")
                say("notified that it is over")
        assert statuses() == ["firing", "resolved"]
        down, over = server.sent_to(WEBHOOK)
    assert names(down) == names(over) == {"InstanceDown"}
    assert down["groupLabels"] == {"job": "service"}
    assert down["commonLabels"]["severity"] == "critical"
    assert down["commonAnnotations"]["summary"] == f"service (127.0.0.1:{port}) cannot be scraped."
    assert not alerts.complaints()


def test_alerts_of_one_time_are_one_message(tmp_path: Path, say: Say) -> None:
    """Two alerts of one service are a group; the webhook and Slack each get it once."""
    with (
        receiving() as server,
        alertmanager(tmp_path, alerting(tmp_path, "slack-and-webhook", server)) as alerts,
    ):
        alerts.ask("/api/v2/alerts", [alert("QueueGrowth"), alert("RequestsShed")])
        say("two alerts")
        until(lambda: server.sent_to(WEBHOOK) and server.sent_to(SLACK), "No message is sent.")
        say("notified")
        (message,), (post,) = server.sent_to(WEBHOOK), server.sent_to(SLACK)
    assert names(message) == {"QueueGrowth", "RequestsShed"}
    assert message["receiver"] == "slack-and-webhook"
    (attachment,) = post["attachments"]
    assert attachment["title"] == "FIRING: service"
    assert attachment["text"].count("*warning*: It is so.\nIt means so.\n*What to do*: Do so.") == 2
    assert not alerts.complaints()


def test_alerts_that_follow_from_a_service_that_is_down_are_not_sent(
    tmp_path: Path, say: Say
) -> None:
    """Alerts of another service are sent."""
    with (
        receiving() as server,
        alertmanager(tmp_path, alerting(tmp_path, "slack", server)) as alerts,
    ):
        down, slow = alert("InstanceDown", "critical"), alert("HighLatency")
        other = alert("HighErrorRatio", "critical", instance="other:8000")
        alerts.ask("/api/v2/alerts", [down, slow, other])
        say("three alerts")
        until(lambda: server.sent_to(SLACK), "No message is sent.")
        say("notified")
        (post,) = server.sent_to(SLACK)
    assert post["attachments"][0]["text"].count("*critical*") == 2
    assert "*warning*" not in post["attachments"][0]["text"]


def test_by_default_nobody_is_notified_and_nothing_is_wrong(tmp_path: Path, say: Say) -> None:
    """The default needs no secret: the alert is grouped and shown, but not sent."""
    with receiving() as server:
        places = {"/etc/alertmanager/secrets": str(tmp_path)}
        content = substituted(ALERTING, places)
        # Debian's Alertmanager reads no `url_file`, so that nothing may be left of it here; Slack's
        # is left, and its file is not there.
        content["receivers"] = [r for r in content["receivers"] if "webhook_configs" not in r]
        with alertmanager(tmp_path, content) as alerts:
            alerts.ask("/api/v2/alerts", [alert("InstanceDown", "critical")])
            say("an alert")
            until(lambda: is_flushed(alerts), "The group was never flushed.")
            say("flushed")
            (group,) = alerts.ask("/api/v2/alerts/groups")
            assert group["receiver"]["name"] == "none"
            assert not server.messages
            assert not alerts.complaints()


def is_flushed(alerts: Daemon) -> bool:
    """Return whether a group was handed to its receiver."""
    return "msg=flushing" in alerts.log.read_text("utf-8")
