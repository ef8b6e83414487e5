"""The rules and configurations: what the stack's own tools say of them, and what people read."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus.processes import run
from tests.prometheus.stack_files import (
    ALERTING,
    FOLDER,
    RULE_CASES,
    RULES,
    SCRAPING,
    alerts,
    read_yaml,
    substituted,
    with_urls_in_place,
)

NAMES = [rule["alert"] for rule in alerts()]
CASE_NAMES = [path.name for path in RULE_CASES]
USUAL = {"InstanceDown", "DatasetDrift", "FeatureDrift", "TargetDrift"}
"""Names that other stacks use for the same."""


@pytest.fixture(scope="module")
def cases() -> dict[str, list[tuple[bool, bool]]]:
    """Return by alert, of each case: whether it fires, and whether anything was scraped."""
    found: dict[str, list[tuple[bool, bool]]] = {name: [] for name in NAMES}
    for world in (world for path in RULE_CASES for world in read_yaml(path)["tests"]):
        for case in world["alert_rule_test"]:
            found[case["alertname"]].append((bool(case["exp_alerts"]), bool(world["input_series"])))
    return found


def test_promtool_accepts_the_rules() -> None:
    """Syntax, duplicates, templates."""
    checked = run("promtool", "check", "rules", RULES.name, folder=FOLDER)
    assert checked.returncode == 0, checked.stderr


def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    """The rules lie beside it, and the password where it says."""
    password = tmp_path / "metrics_password"
    password.touch()
    places = {"/run/scrape/metrics_password": str(password), "rules.yml": str(RULES)}
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump(substituted(SCRAPING, places, speedup=1)), "utf-8")
    checked = run("promtool", "check", "config", config.name, folder=tmp_path)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.slow  # promtool makes a database for each of its cases
def test_the_cases_hold() -> None:
    """Each alert fires when it should, with its sentences, and is silent when it should be."""
    checked = run("promtool", "test", "rules", *CASE_NAMES, folder=FOLDER)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow  # promtool makes a database for each of its cases
@pytest.mark.parametrize("fires", [False, True], ids=["never fires", "always fires"])
def test_the_cases_catch_a_rule_that_is_wrong(tmp_path: Path, fires: bool) -> None:  # noqa: FBT001
    """One that never fires, and one that always does: of each alert."""
    rules = read_yaml(RULES)
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = "vector(1)" if fires else "vector(0) > 1"
    (tmp_path / RULES.name).write_text(yaml.safe_dump(rules), "utf-8")
    for path in RULE_CASES:
        cases = read_yaml(path)
        # Where nothing is scraped each has to be silent; promtool is slow to print differences.
        cases["tests"] = [w for w in cases["tests"] if fires != bool(w["input_series"])]
        (tmp_path / path.name).write_text(yaml.safe_dump(cases), "utf-8")
    checked = run("promtool", "test", "rules", *CASE_NAMES, folder=tmp_path)
    assert checked.returncode != 0
    printed = checked.stdout + checked.stderr
    assert set(re.findall(r"alertname: ?(\w+)", printed)) == set(NAMES), printed


def test_amtool_accepts_the_receivers(tmp_path: Path) -> None:
    """Their addresses stand in files."""
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(alerting_with_secrets(tmp_path)))
    checked = run("amtool", "check-config", "alertmanager.yml", folder=tmp_path)
    assert checked.returncode == 0, checked.stderr


def alerting_with_secrets(folder: Path) -> dict[str, Any]:
    """Return Alertmanager's configuration as Debian's can read it, with secrets in a folder."""
    for name in ("slack_url", "webhook_url"):
        (folder / name).write_text("http://127.0.0.1:9/\n")
    places = {"/etc/alertmanager/secrets": str(folder)}
    return with_urls_in_place(substituted(ALERTING, places, speedup=1))


def test_nobody_is_notified_before_a_receiver_is_chosen() -> None:
    """The default receiver has no integration, and needs no secret; the others need theirs."""
    content = read_yaml(ALERTING)
    receivers = {receiver["name"]: receiver for receiver in content["receivers"]}
    assert receivers[content["route"]["receiver"]] == {"name": "none"}
    assert set(receivers) == {"none", "slack", "webhook", "slack-and-webhook"}
    assert "http" not in yaml.safe_dump(content), "An address is a secret: it stands in a file."


@pytest.mark.parametrize("rule", alerts(), ids=NAMES)
def test_each_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """It does so in sentences; the summary names its subject."""
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "description", "action"}
    for text in rule["annotations"].values():
        assert text.endswith("."), text
        assert len(text) > 30, text
    assert "$labels." in rule["annotations"]["summary"]


@pytest.mark.parametrize("name", NAMES)
def test_each_threshold_is_explained(name: str) -> None:
    """A comment in the rule explains it."""
    (text,) = re.findall(rf"- alert: {name}\n(.*?)(?=- alert: |\Z)", RULES.read_text(), re.DOTALL)
    assert re.search(r"^ +# \w", text, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_has_cases(name: str, cases: dict[str, list[tuple[bool, bool]]]) -> None:
    """One in which it fires, one in which it does not although there is data, one without data."""
    assert {(True, True), (False, True), (False, False)} <= set(cases[name])


def test_names_are_unique_and_the_usual_ones() -> None:
    """Users of other stacks expect these names."""
    assert len(NAMES) == len(set(NAMES))
    assert set(NAMES) >= USUAL
    assert all(re.fullmatch(r"([A-Z][a-z]+)+", name) for name in NAMES)
