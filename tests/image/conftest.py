"""What all tests of the image share: an engine, the two images, projects that are taken down."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.image.engine import NoEngineError, engine, run
from tests.image.project import ROOT, Project, copy_checkout

HERE = Path(__file__).parent
BASE = "ml-service-test-base"
PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"

_FIGURES = pytest.StashKey[dict[str, str]]()

NewProject = Callable[..., Project]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print sizes and times."""
    figures = config.stash.get(_FIGURES, {})
    if figures:
        terminalreporter.section("the image")
    for name, figure in figures.items():
        terminalreporter.write_line(f"{name:<60} {figure}")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> dict[str, str]:
    """What was measured on the way, printed at the end."""
    return pytestconfig.stash.setdefault(_FIGURES, {})


@pytest.fixture(scope="session", autouse=True)
def _engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    try:
        with engine(tmp_path_factory.mktemp("engine")):
            for name in ("docker-compose", "debootstrap"):
                if not shutil.which(name):
                    pytest.skip(f"The image is tested with {name}: apt-get install {name}.")
            yield
    except NoEngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout."""
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def base(_engine: None) -> str:
    """The image that stands in for the default base, kept for the next time."""
    if not run("docker", "images", "--quiet", BASE):
        run(HERE / "base.sh", BASE)
    return BASE


@pytest.fixture(scope="session")
def images(base: str, figures: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Both images and their base, as the engine describes them; built by `make image`."""
    began = time.monotonic()
    options = "IMAGE_OPTIONS=--network host"
    done = subprocess.run(
        ["make", "--directory", ROOT, "image", f"BASE_IMAGE={base}", options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    figures["to build both images (what is cached is not built again)"] = (
        f"{time.monotonic() - began:.0f} s"
    )
    names = (base, "ml-service", "ml-service-api")
    described = {name: json.loads(run("docker", "inspect", name))[0] for name in names}
    for name, image in described.items():
        figures[f"size of {name}"] = f"{image['Size'] / 1e6:.0f} MB"
    return described


@pytest.fixture(scope="session")
def monitoring_images(base: str, checkout: Path) -> None:
    """This machine's Prometheus and Alertmanager, under the names that compose pulls."""
    for program in ("prometheus", "prometheus-alertmanager"):
        if not shutil.which(program):
            pytest.skip(f"The stack is tested with {program}: apt-get install {program}.")
    every = Project("names", checkout, "--profile", "monitoring")("config")
    wanted = [line.split("image: ")[1] for line in every.splitlines() if "image: " in line]
    names = [
        next(name for name in wanted if f"/{program}:" in name)
        for program in (PROMETHEUS, ALERTMANAGER)
    ]
    run(HERE / "monitoring_images.sh", base, *names)


@pytest.fixture
def new_project(
    checkout: Path, images: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[NewProject]:
    """Makes projects of a test, which go with it."""
    made: list[Project] = []

    def make(*options: str, **variables: str) -> Project:
        made.append(
            Project(f"test-{len(made)}-{request.node.name[:20]}", checkout, *options, **variables)
        )
        return made[-1]

    yield make
    for project in made:
        project.down()


@pytest.fixture(scope="module")
def service(
    checkout: Path, images: dict[str, Any], figures: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[Project]:
    """A service in the mode `api` that trained the example; for tests that change nothing."""
    project = Project(f"shared-{request.module.__name__.rpartition('.')[2]}", checkout, MODE="api")
    began = time.monotonic()
    try:
        project.up()
        project.predict()
        figures["from `docker-compose up`, nothing trained, to an answer"] = (
            f"{time.monotonic() - began:.1f} s"
        )
        yield project
    finally:
        project.down()
