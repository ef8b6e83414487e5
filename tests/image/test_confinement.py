"""The containers have only the rights that they need."""

import math
import re
from typing import Any

import yaml

from settings.settings import Settings
from tests.image.project import Project

TMP = "/tmp"  # noqa: S108 - the container's own
WRITABLE = """
import os
for line in open("/proc/mounts"):
    path, kind, options = line.split()[1:4]
    if options.split(",")[0] == "rw" and os.access(path, os.W_OK) and not path.startswith("/proc"):
        print(path)
"""


def status(project: Project) -> dict[str, str]:
    """Return what the kernel says of the process that answers."""
    number = project.inside("bash", "-c", "grep -l uvloop /proc/[0-9]*/maps 2>/dev/null | head -1")
    lines = project.inside("cat", number.replace("maps", "status")).splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_the_service_has_no_rights(service: Project) -> None:
    """No capability, none to gain, no root."""
    found = status(service)
    assert found["Uid"].split() == ["1000"] * 4
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {
        "0" * 16
    }
    assert found["NoNewPrivs"] == "1"


def test_only_the_data_and_a_small_tmp_can_be_written(service: Project) -> None:
    """All other mounts are read-only, the root too."""
    writable = service.inside("python3", "-c", WRITABLE).splitlines()
    assert sorted(path for path in writable if not path.startswith("/dev")) == [
        "/service/local_data",
        "/service/local_data/models",
        "/service/local_data/scrape",
        TMP,
    ]
    blocks = service.inside("stat", "--file-system", "--format", "%b %S", TMP)
    assert math.prod(map(int, blocks.split())) == 256 * 1024**2


def test_memory_and_processes_are_limited(service: Project) -> None:
    """One container cannot take the machine down."""
    limits = service.inspect()["HostConfig"]
    assert limits["Memory"] == 4 * 1024**3
    assert limits["PidsLimit"] == 512
    assert limits["ReadonlyRootfs"]


def test_every_service_of_the_stack_is_confined_and_published_here_alone(
    checkout: Any, images: dict[str, Any]
) -> None:
    """That holds for our image and for others, in every mode and profile."""
    for mode in ("api", "jupyterlab", "train", "vsc"):
        options = ["--profile", "monitoring", "--profile", "dev"]
        described = yaml.safe_load(Project("all", checkout, *options, MODE=mode)("config"))
        for name, service in described["services"].items():
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert service["pids_limit"], name
            assert service["mem_limit"], name
            for port in service.get("ports", ()):
                # Compose v2 describes a port, 1.29 writes it.
                host = port["host_ip"] if isinstance(port, dict) else port.partition(":")[0]
                assert host == "127.0.0.1", name


def test_the_grace_of_a_stop_is_longer_than_what_the_service_takes(
    checkout: Any, images: dict[str, Any], service: Project
) -> None:
    """In every container of ours: `docker stop` alone would wait for ten seconds, then kill."""
    longest = Settings.model_fields["service_shutdown_seconds"].default
    assert service.inspect()["Config"]["StopTimeout"] > longest
    for mode in ("api", "jupyterlab", "train", "vsc"):
        described = yaml.safe_load(
            Project("grace", checkout, "--profile", "dev", MODE=mode)("config")
        )
        ours = [s for s in described["services"].values() if s["image"].startswith("ml-service")]
        assert len(ours) == 2
        assert {own["stop_grace_period"] for own in ours} == {"30s"}


def test_compose_names_no_secret(checkout: Any, images: dict[str, Any]) -> None:
    """What is set without a value of the user's is empty."""
    config = Project("secrets", checkout, "--profile", "monitoring", MODE="api")("config")
    values = [line.strip() for line in config.splitlines() if "PASSWORD:" in line.upper()]
    assert [yaml.safe_load(value) for value in values] == [{"PREDICT_PASSWORD": ""}]


def test_secrets_are_made_for_the_service_alone(service: Project) -> None:
    """They are random, made at the first start, and readable by nobody else."""
    listed = "shopt -s globstar; stat --format '%A %U' local_data/secrets/**"
    modes = service.inside("bash", "-c", listed).splitlines()
    assert set(modes) == {"-rw------- service", "drwx------ service"}


def test_others_pin_their_versions(checkout: Any) -> None:
    """An image of others is one version, not whatever is newest today."""
    config = yaml.safe_load(Project("pins", checkout, "--profile", "monitoring")("config"))
    names = [item["image"] for item in config["services"].values()]
    others = [name for name in names if not name.startswith("ml-service")]
    assert len(others) == 3
    assert all(re.fullmatch(r"\S+:v?\d+\.\d+\.\d+", name) for name in others), others
