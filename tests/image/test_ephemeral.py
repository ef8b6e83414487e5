"""What `docker-compose.ephemeral.yml` keeps in memory, and what becomes of it."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.image.conftest import NewProject
from tests.image.engine import logs
from tests.image.project import ROOT, ROW, Project
from tests.waiting import wait_until

EPHEMERAL = ("--file", str(ROOT / "docker-compose.ephemeral.yml"))
PAGE = "docs/how-to/protect-personal-data.md"
COMMAND = re.compile(r"^(.*docker-compose\.ephemeral\.yml) up$", re.MULTILINE)


def kinds(project: Project, service: str) -> dict[str, str]:
    """Return the kind of file system behind each volume of a service's container, by its path."""
    mounts = project.inspect(service)["Mounts"]
    paths = [mount["Destination"] for mount in mounts if mount["Type"] == "volume"]
    stat = ("stat", "--file-system", "--format", "%T")
    return {path: project.inside(*stat, path, service=service) for path in paths}


@pytest.mark.usefixtures("monitoring_images")
def test_nothing_is_on_disk_and_a_stop_empties_it(new_project: NewProject) -> None:
    """Every volume of the service and of Prometheus is memory, which works as the disk does."""
    project = new_project(*EPHEMERAL, MODE="api")
    project.up("service", "prometheus")
    project.predict()
    assert project.logged() == 1

    def scraped() -> bool:
        answer = project.ask("/api/v1/query?query=service_ready", port="PROMETHEUS")
        return bool(answer and answer.json["data"]["result"])

    wait_until(scraped, 300)
    assert kinds(project, "service") == dict.fromkeys(
        [
            "/service/local_data",
            "/service/local_data/models",
            "/service/local_data/scrape",
        ],
        "tmpfs",
    )
    assert kinds(project, "prometheus") == {"/prometheus": "tmpfs", "/run/scrape": "tmpfs"}
    project("stop", "--timeout", "60", "service")
    project.up()
    assert project.logged() == 0
    assert logs(project.container()).count("training examples/iris first") == 2


def test_memory_that_is_full_refuses_and_prints_no_row(new_project: NewProject) -> None:
    """The engine writes what a container prints to disk: no row may be among it."""
    project = new_project(*EPHEMERAL, MODE="api", EPHEMERAL_SIZE="64m")
    project.up()
    project.inside("bash", "-c", "cat /dev/zero >local_data/full 2>/dev/null || true")

    def refused() -> bool:
        answer = project.ask("/predict", [ROW | {"sepal_length": 5.123456}])
        return bool(answer and answer.status == 503)

    wait_until(refused, 300)
    wait_until(lambda: project.status("/health/ready") == 503, 300)
    assert '"log-unavailable"' in logs(project.container())
    assert "5.123456" not in logs(project.container())
    project.inside("rm", "local_data/full")
    wait_until(lambda: project.status("/health/ready") == 200, 300)
    project.predict()


def test_the_command_of_the_page_serves(checkout: Path) -> None:
    """Its words give the mode `api`, a log that fits into the memory, and refusals."""
    [command] = COMMAND.findall((checkout / PAGE).read_text("utf-8"))
    printed = subprocess.run(
        ["bash", "-c", f"{command} config"],
        cwd=checkout,
        env={name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ},
        capture_output=True,
        text=True,
        check=True,
    )
    config = yaml.safe_load(printed.stdout)
    settings = config["services"]["service"]["environment"]
    assert settings["MODE"] == "api"
    assert settings["LOG_ON_FAILURE"] == "refuse"
    options = config["volumes"]["ephemeral_data"]["driver_opts"]["o"]
    assert "size=1g," in options
    assert int(settings["LOG_MAX_BYTES"]) == 1024**3 // 2


def test_the_memory_of_prometheus_fits_its_limit(new_project: NewProject) -> None:
    """A tmpfs counts as its container's memory: filling it must not get Prometheus killed."""
    config = yaml.safe_load(new_project(*EPHEMERAL, MODE="api")("config"))
    options = config["volumes"]["ephemeral_prometheus"]["driver_opts"]["o"]
    assert "size=512m," in options
    assert config["services"]["prometheus"]["mem_limit"] == "1g"
