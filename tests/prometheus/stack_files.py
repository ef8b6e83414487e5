"""The files of `prometheus/`, as they are, and as a test needs them: other addresses, less time."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "prometheus"
SCRAPING, RULES, ALERTING = (
    FOLDER / name for name in ("prometheus.yml", "rules.yml", "alertmanager.yml")
)
RULE_CASES = sorted(FOLDER.glob("*rules_test.yml"))
GRAFANA = FOLDER / "grafana"
DATA_SOURCES = GRAFANA / "provisioning" / "datasources" / "prometheus.yml"
DASHBOARD_PROVIDERS = GRAFANA / "provisioning" / "dashboards" / "dashboards.yml"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))

PROMETHEUS_OWN = {"up", "ALERTS"}
"""Metrics that Prometheus makes itself."""

SPEEDUP = 60
"""A minute of the real files is a second of a test."""
_TIMES = {
    "evaluation_interval",
    "for",
    "keep_firing_for",
    "group_interval",
    "group_wait",
    "repeat_interval",
    "scrape_interval",
}
_MILLISECONDS = {"s": 1000, "m": 60_000, "h": 3_600_000}


@dataclass(frozen=True)
class Query:
    """A query of a dashboard or of a rule."""

    where: str
    """The dashboard and the panel, or the alert."""
    expression: str
    """The expression, with Grafana's variables replaced."""
    legend: str = ""


def read_yaml(path: Path) -> Any:
    """Return what a file says."""
    return yaml.safe_load(path.read_text("utf-8"))


def read_dashboard(path: Path) -> dict[str, Any]:
    """Return a dashboard."""
    dashboard: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return dashboard


def data_panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels that ask something: all but the headings."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def alerts() -> list[dict[str, Any]]:
    """Return the alerting rules."""
    return [rule for group in read_yaml(RULES)["groups"] for rule in group["rules"]]


def panel_queries() -> list[Query]:
    """Return the queries of all panels of all dashboards."""
    return [
        Query(
            f"{path.stem}: {panel['title']} {target['refId']}",
            _without_variables(target["expr"]),
            target.get("legendFormat", ""),
        )
        for path in DASHBOARDS
        for panel in data_panels(read_dashboard(path))
        for target in panel["targets"]
    ]


def rule_queries() -> list[Query]:
    """Return the queries of all rules."""
    return [Query(f"rules: {rule['alert']}", rule["expr"]) for rule in alerts()]


def _without_variables(expression: str) -> str:
    # As Grafana does it, with all models and columns chosen and a scrape interval of 15 s.
    replaced = expression.replace("$__rate_interval", "1m")
    replaced = replaced.replace("$model", ".*").replace("$column", ".*")
    assert "$" not in replaced, f"This variable is not known here: {expression}"
    return replaced


def substituted(path: Path, places: dict[str, str], *, speedup: int = SPEEDUP) -> dict[str, Any]:
    """Return a configuration with some places replaced and all its times divided.

    Args:
        path: The real file.
        places: What stands in the file, and what is to stand there instead.
        speedup: What times are divided by.
    """
    text = path.read_text("utf-8")
    for real, instead in places.items():
        assert real in text, f"{path.name} does not say {real}."
        text = text.replace(real, instead)
    content: dict[str, Any] = _hastened(yaml.safe_load(text), speedup)
    return content


def _hastened(value: Any, speedup: int) -> Any:
    if isinstance(value, list):
        return [_hastened(item, speedup) for item in value]
    if isinstance(value, dict):
        return {
            key: _divided(item, speedup) if key in _TIMES else _hastened(item, speedup)
            for key, item in value.items()
        }
    return value


def _divided(duration: str, speedup: int) -> str:
    number, unit = int(duration[:-1]), duration[-1]
    return f"{number * _MILLISECONDS[unit] // speedup}ms"


def with_urls_in_place(alerting: dict[str, Any]) -> dict[str, Any]:
    """Return Alertmanager's configuration with `url_file` replaced by `url`, the file's content.

    Webhooks know `url_file` from Alertmanager 0.26 on, and Debian 12 has 0.25.
    """
    return alerting | {
        "receivers": [
            receiver | {"webhook_configs": [_with_url(w) for w in receiver["webhook_configs"]]}
            if "webhook_configs" in receiver
            else receiver
            for receiver in alerting["receivers"]
        ]
    }


def _with_url(webhook: dict[str, Any]) -> dict[str, Any]:
    others = {key: value for key, value in webhook.items() if key != "url_file"}
    return others | {"url": Path(webhook["url_file"]).read_text("utf-8").strip()}
