"""A bundle holds all that a machine without network needs.

`make offline-test` runs this; it needs the network itself, to download the wheels, and minutes.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings.settings import Settings
from tests.offline import offline_user

ROOT = Path(__file__).parents[2]


def run(folder: Path, *command: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder, with no setting of this machine."""
    # Those of the tests, too: a bundle has a settings file of its own.
    settings = {*Settings.model_fields, "settings_file"}
    own = {k: v for k, v in os.environ.items() if k.lower() not in settings}
    return subprocess.run(
        command,
        cwd=folder,
        env={**own, "PYTHON": sys.executable, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone of the last commit, with its bundle."""
    folder = tmp_path_factory.mktemp("clone")
    cloned = run(folder, "git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), ".")
    assert cloned.returncode == 0, cloned.stderr
    engine = tmp_path_factory.mktemp("engine") / "engine"
    engine.write_text('#!/bin/sh\necho "$1 $2 $4 $5" >"$3"\n')
    engine.chmod(0o700)
    words = ("requirements/offline.sh", sys.executable, "train", "ml-service", "prometheus")
    bundled = run(folder, *words, DOCKER=str(engine))
    assert bundled.returncode == 0, bundled.stderr
    return folder


def bundles(clone: Path) -> list[Path]:
    """Return the files that `make offline` left: the images, and the rest."""
    return sorted((clone / "local_data" / "offline").iterdir())


@pytest.fixture
def unpacked(clone: Path, tmp_path: Path) -> Iterator[Path]:
    """Return the folder that a bundle unpacks to; it is large, and does not stay."""
    _, bundle = bundles(clone)
    run(tmp_path, "tar", "-xf", bundle)
    yield tmp_path / bundle.stem
    shutil.rmtree(tmp_path / bundle.stem)


@pytest.fixture
def namespace() -> list[str]:
    """Return what starts a command where there is no network."""
    for options in (["--net"], ["--map-root-user", "--net"]):
        command = ["unshare", *options]
        if (
            shutil.which("unshare")
            and not subprocess.run([*command, "true"], check=False).returncode
        ):
            return command
    pytest.skip("No network namespace can be made here: run it on Linux, as root if need be.")


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port of the loopback interface that this machine listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_images_that_are_named_are_saved_beside_it(clone: Path) -> None:
    """The container engine of the machine saves them."""
    images, bundle = bundles(clone)
    assert images.name == f"{bundle.stem}-images.tar"
    assert images.read_text() == "save --output ml-service prometheus\n"


@pytest.mark.slow  # installs a hundred packages, trains and serves
def test_a_machine_without_network_installs_trains_and_serves(
    clone: Path, unpacked: Path, namespace: list[str], port: int
) -> None:
    """Nothing is reached but its own loopback, and what it publishes still names the commit."""
    user = [*namespace, sys.executable, "-I", offline_user.__file__, str(port)]
    done = run(unpacked, *user)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    assert seen["interfaces"] == ["lo"]
    assert seen["somewhere"] == "Network is unreachable"
    assert seen["outside"] == "Connection refused"
    assert seen["installed"]
    assert seen["answer"] == [{"variety": "Virginica"}, {"variety": "Setosa"}]
    assert [(row["model"], row["counted"], row["logged"]) for row in seen["log"]] == [
        ("iris", 2, 2)
    ]
    head = run(clone, "git", "rev-parse", "HEAD").stdout
    (manifest,) = (unpacked / "local_data" / "models" / "iris").glob("*/manifest.json")
    assert json.loads(manifest.read_bytes())["origin"]["git_head"] == head.strip()


def test_the_network_check_can_fail(port: int) -> None:
    """Outside of a namespace, it finds an interface more and reaches the port."""
    seen = offline_user.surroundings(port)
    assert len(seen["interfaces"]) > 1
    assert seen["outside"] == ""


@pytest.mark.parametrize(
    ("made_for", "sentence"),
    [
        ("train cpython-30 plan9-vax", "is made for cpython-30 plan9-vax"),
        ("api {here}", "bundle again with make offline SET=train"),
    ],
)
def test_wheels_that_do_not_fit_are_reported(unpacked: Path, made_for: str, sentence: str) -> None:
    """A sentence says so before anything is made: pip would only say that it found no version."""
    record = unpacked / "wheels" / "made-for"
    here = record.read_text().split(maxsplit=1)[1]
    record.write_text(made_for.format(here=here.strip()) + "\n")
    done = run(unpacked, "make", "train")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (unpacked / ".venv").exists()


def test_a_wheel_that_was_changed_is_refused(unpacked: Path) -> None:
    """What came on a stick is checked against the same hashes as what comes from the network."""
    wheel = min(unpacked.glob("wheels/*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    done = run(unpacked, "make", "train")
    assert done.returncode == 2
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (unpacked / ".venv" / ".train").exists()


def test_an_unknown_set_is_reported(clone: Path) -> None:
    """The sentence names those that there are."""
    done = run(clone, "requirements/offline.sh", sys.executable, "all")
    assert done.returncode == 1
    assert "SET=train, SET=lab or SET=dev" in done.stderr
