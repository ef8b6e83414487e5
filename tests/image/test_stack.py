"""The stack around the service: Prometheus, Alertmanager, JupyterLab beside it."""

import json
from pathlib import Path

import pytest
import yaml

from tests.image.conftest import NewProject
from tests.image.engine import logs, run
from tests.image.project import Project
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
    wait_until(lambda: targets(project).get("service") == "up", 120)
    shared = run("docker", "exec", project.container("prometheus"), "ls", "-A", "/run/scrape")
    assert shared == "metrics_password"


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

    wait_until(connected, 120)
    wait_until(lambda: project.status("/-/ready", port="ALERTMANAGER") == 200, 60)
    assert "level=error" not in logs(project.container("alertmanager"))


def test_the_profile_dev_keeps_training_data_from_the_service(new_project: NewProject) -> None:
    """Of two containers, what JupyterLab publishes is served, what it reads is not seen."""
    project = new_project("--profile", "dev", MODE="api", TRAIN_IF_EMPTY="")
    project("up", "--detach", "--no-build", "service", "jupyterlab")
    wait_until(lambda: project.status("/api", port="JUPYTER") == 200, 120)
    project.inside("mlops", "train", "examples/iris", service="jupyterlab")
    wait_until(lambda: project.status("/health/ready") == 200, 60)
    assert project.predict() == [{"variety": "Virginica"}]
    assert project.inside("ls", "local_data/runs", service="jupyterlab")
    assert "runs" not in project.inside("ls", "local_data").split()
    images = {project.inspect(name)["Image"] for name in ("service", "jupyterlab")}
    assert len(images) == 1


def test_what_was_published_stays_when_the_laboratory_is_closed(new_project: NewProject) -> None:
    """The models are a volume of their own, which either container can be without."""
    project = new_project("--profile", "dev", MODE="api", TRAIN_IF_EMPTY="")
    project("up", "--detach", "--no-build", "service", "jupyterlab")
    project.inside("mlops", "train", "examples/iris", service="jupyterlab")
    project("rm", "--stop", "--force", "jupyterlab")
    wait_until(lambda: project.status("/health/ready") == 200, 60)
    described = json.loads(run("docker", "inspect", project.container()))
    assert described[0]["State"]["Running"]
