"""The stack around the service: Prometheus, Alertmanager, JupyterLab beside it."""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from tests.image.conftest import NewProject
from tests.image.engine import logs, run
from tests.image.project import ROOT, Project
from tests.waiting import wait_until


def targets(project: Project) -> dict[str, str]:
    """Return the health of what Prometheus scrapes, by job."""
    answer = project.ask("/api/v1/targets", port="PROMETHEUS")
    found = answer.json["data"]["activeTargets"] if answer else []
    return {target["labels"]["job"]: target["health"] for target in found}


@pytest.mark.usefixtures("monitoring_images")
def test_prometheus_scrapes_the_service_with_its_password(new_project: NewProject) -> None:
    """Both start with one command, confined, and Prometheus is given that one secret alone."""
    project = new_project(MODE="api")
    project.up("service", "prometheus")
    wait_until(lambda: targets(project).get("service") == "up", 300)
    shared = run("docker", "exec", project.container("prometheus"), "ls", "-A", "/run/scrape")
    assert shared == "metrics_password"
    answer = project.ask("/api/v1/rules", port="PROMETHEUS")
    assert answer
    written = yaml.safe_load((ROOT / "prometheus" / "rules.yml").read_text("utf-8"))["groups"]
    assert written
    assert {group["name"] for group in answer.json["data"]["groups"]} == {
        group["name"] for group in written
    }


def on_host(service: dict[str, Any], path: str) -> Path:
    """Return what a path in a service's container is, outside of it."""
    for volume in service["volumes"]:
        source, target, *_ = volume.split(":")
        if PurePosixPath(path).is_relative_to(target):
            return Path(source, PurePosixPath(path).relative_to(target))
    raise AssertionError(f"Nothing is mounted at {path}.")


def test_files_that_grafana_and_alertmanager_are_configured_to_read_are_mounted(
    checkout: Path,
) -> None:
    """Started without a data source, a dashboard or a secret, they would not complain."""
    config = Project("mounts", checkout, "--profile", "monitoring", MODE="api")("config")
    services = yaml.safe_load(config)["services"]
    grafana = services["grafana"]
    # The default folder of Grafana, as no setting changes it.
    provisioning = on_host(grafana, "/etc/grafana/provisioning")
    assert list(provisioning.glob("datasources/*.yml"))
    [file] = provisioning.glob("dashboards/*.yml")
    for provider in yaml.safe_load(file.read_text("utf-8"))["providers"]:
        assert list(on_host(grafana, provider["options"]["path"]).glob("*.json"))
    assert on_host(
        grafana, grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    ).is_file()
    alertmanager = services["alertmanager"]
    text = on_host(alertmanager, "/etc/alertmanager/alertmanager.yml").read_text("utf-8")
    secrets = re.findall(r"_file: (\S+)", text)
    assert secrets
    folders = {on_host(alertmanager, path).parent for path in secrets}
    assert folders == {checkout / "prometheus" / "secrets"}


@pytest.fixture
def readable_alerting(checkout: Path) -> None:
    """Leave out of the copy's configuration what Debian 12's Alertmanager cannot read.

    That is `url_file` of webhooks, which is known from 0.26 on; it has 0.25.
    """
    path = checkout / "prometheus" / "alertmanager.yml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["receivers"] = [r for r in content["receivers"] if "webhook_configs" not in r]
    path.write_text(yaml.safe_dump(content), "utf-8")


@pytest.mark.usefixtures("monitoring_images", "readable_alerting")
def test_the_profile_monitoring_adds_alertmanager(new_project: NewProject) -> None:
    """Prometheus finds it, and it has the configuration that is mounted."""
    project = new_project("--profile", "monitoring", MODE="api")
    # Grafana's image is not to be had where no image registry is reached.
    project.up("service", "prometheus", "alertmanager")

    def connected() -> bool:
        answer = project.ask("/api/v1/alertmanagers", port="PROMETHEUS")
        return bool(answer and answer.json["data"]["activeAlertmanagers"])

    wait_until(connected, 300)
    wait_until(lambda: project.status("/-/ready", port="ALERTMANAGER") == 200, 300)
    assert "level=error" not in logs(project.container("alertmanager"))


def test_the_profile_dev_keeps_training_data_from_the_service(new_project: NewProject) -> None:
    """The service serves the models that JupyterLab publishes, but cannot see its data."""
    project = new_project("--profile", "dev", MODE="api", TRAIN_IF_EMPTY="")
    project("up", "--detach", "--no-build", "service", "jupyterlab")
    wait_until(lambda: project.status("/api", port="JUPYTER") == 200, 300)
    project.inside("mlops", "train", "examples/iris", service="jupyterlab")
    wait_until(lambda: project.status("/health/ready") == 200, 300)
    assert project.predict() == [{"variety": "Virginica"}]
    assert project.inside("ls", "local_data/runs", service="jupyterlab")
    assert "runs" not in project.inside("ls", "local_data").split()
    images = {project.inspect(name)["Image"] for name in ("service", "jupyterlab")}
    assert len(images) == 1


def test_published_models_stay_when_jupyterlab_is_closed(new_project: NewProject) -> None:
    """The models are a volume of their own, which either container can be without."""
    project = new_project("--profile", "dev", MODE="api", TRAIN_IF_EMPTY="")
    project("up", "--detach", "--no-build", "service", "jupyterlab")
    project.inside("mlops", "train", "examples/iris", service="jupyterlab")
    project("rm", "--stop", "--force", "jupyterlab")
    wait_until(lambda: project.status("/health/ready") == 200, 300)
    described = json.loads(run("docker", "inspect", project.container()))
    assert described[0]["State"]["Running"]
