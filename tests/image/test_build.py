"""What the images hold, and what they are."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.image.engine import run
from tests.image.project import ROOT

IMAGES = ("ml-service", "ml-service-api")
LARGEST_API_BYTES = 250_000_000


def inside(image: str, *command: str) -> str:
    """Return what a command prints in an image."""
    return run("docker", "run", "--rm", "--entrypoint", command[0], image, *command[1:])


def test_a_checkout_that_is_mounted_over_the_code_is_recognised(
    images: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """The manifest of a training then says that the image's commit is not all of it."""
    other = tmp_path / "data_etl.py"
    other.touch()
    asked = (
        "from pathlib import Path; from mlops.process.git_revision import is_dirty; "
        "print(is_dirty(Path()))"
    )
    options = ("docker", "run", "--rm", "--entrypoint", "python3")
    mount = ("--volume", f"{other}:/service/ml_pipe/data_etl.py:ro")
    assert run(*options, "ml-service", "-c", asked) == "False"
    assert run(*options, *mount, "ml-service", "-c", asked) == "True"


def test_the_api_image_adds_less_than_250_megabytes(
    images: dict[str, dict[str, Any]], base: str
) -> None:
    """What only serves is small."""
    assert images["ml-service-api"]["Size"] - images[base]["Size"] < LARGEST_API_BYTES


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_holds_no_compiler_and_runs_as_nobody_in_particular(
    images: dict[str, Any], image: str
) -> None:
    """An intruder finds no tools and no rights."""
    assert inside(image, "bash", "-c", "command -v cc gcc g++ clang make || true") == ""
    assert inside(image, "id", "--user") == "1000"


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_belongs_to_root_but_for_its_data(images: dict[str, Any], image: str) -> None:
    """The service cannot change its own code, even where the root is writable."""
    find = r"find / -xdev \( -user service -o -perm -o+w ! -type l \) -print"
    found = inside(image, "bash", "-c", rf"{find} | grep -vE '^/(proc|dev|sys)' | sort")
    assert found.splitlines() == [
        "/run/lock",
        "/service/local_data",
        "/service/local_data/home",
        "/service/local_data/models",
        "/service/local_data/scrape",
        "/tmp",  # noqa: S108 - the container's own
        "/var/tmp",  # noqa: S108
    ]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_names_its_commit(images: dict[str, dict[str, Any]], image: str) -> None:
    """Its labels have it, and the variables that reach metrics and manifests."""
    head = run("git", "-C", ROOT, "rev-parse", "HEAD")
    branch = run("git", "-C", ROOT, "branch", "--show-current")
    config = images[image]["Config"]
    revision = config["Labels"]["org.opencontainers.image.revision"]
    assert revision.removesuffix("-dirty") == head
    assert config["Labels"]["org.opencontainers.image.version"] == branch
    assert {f"GIT_HEAD={revision}", f"GIT_BRANCH={branch}"} <= set(config["Env"])


def test_the_api_image_leaves_training_out(images: dict[str, Any]) -> None:
    """It has neither notebooks nor what runs them, nor scikit-learn, nor an installer."""
    packages = inside(
        "ml-service-api",
        "python3",
        "-c",
        "import importlib.metadata as m; print(*(d.name.lower() for d in m.distributions()))",
    ).split()
    unwanted = {"papermill", "nbdev", "jupyterlab", "scikit-learn", "scipy", "pandas", "pip"}
    assert unwanted.isdisjoint(packages)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {"fastapi", "onnxruntime", project["name"].lower()} <= set(packages)
    assert inside("ml-service-api", "ls", "/service").split() == [
        "api",
        "entrypoint.sh",
        "local_data",
        "mlops",
        "model_store",
        "monitoring",
        "pyproject.toml",
        "settings",
        "settings.ini",
        "workers",
    ]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_holds_what_was_named_and_nothing_of_the_data(
    images: dict[str, Any], image: str
) -> None:
    """Neither history nor data nor secrets are copied, whatever lies in the checkout."""
    assert inside(image, "find", "/service/local_data", "-type", "f") == ""
    assert inside(image, "find", "/service", "-name", ".git") == ""
