"""The commands of the page on containers, word by word."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.image.conftest import NewProject
from tests.image.project import Project
from tests.waiting import wait_until

PAGE = "docs/how-to/run-in-a-container.md"
BLOCK = re.compile(r"^```sh\n(make image {2,}.*?)^```$", re.MULTILINE | re.DOTALL)


def run(project: Project, checkout: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout, with the test's ports and names in place of the usual ones."""
    return subprocess.run(
        ["bash", "-c", command.replace("127.0.0.1:8000", f"127.0.0.1:{project.ports['SERVICE']}")],
        cwd=checkout,
        env=os.environ | project.environment | {"COMPOSE_PROJECT_NAME": project.name},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("monitoring_images")
def test_the_commands_do_what_the_page_says(
    new_project: NewProject, checkout: Path, base: str, images: dict[str, dict[str, Any]]
) -> None:
    """They build the images, start a ready service, print its password, and stop it."""
    # The copy of the checkout is none; the images that it makes anew are to stay as they are.
    labels = images["ml-service"]["Config"]["Labels"]
    project = new_project(
        BASE_IMAGE=base,
        IMAGE_OPTIONS="--network host",
        GIT_BRANCH=labels["org.opencontainers.image.version"],
        GIT_HEAD=labels["org.opencontainers.image.revision"],
    )
    [block] = BLOCK.findall((checkout / PAGE).read_text("utf-8"))
    image, up, ready, password, down = [
        re.sub(r"\s{2,}#.*", "", line).strip() for line in block.splitlines()
    ]
    for command in (image, up):
        done = run(project, checkout, command)
        assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: '"ready"' in run(project, checkout, ready).stdout, 300)
    assert json.loads(run(project, checkout, ready).stdout)["status"] == "ready"
    shown = run(project, checkout, password).stdout.strip()
    metrics = project.ask("/metrics", user=f"metrics:{shown}")
    assert metrics
    assert metrics.status == 200
    assert run(project, checkout, down).returncode == 0
    assert not project.status("/health/live")
