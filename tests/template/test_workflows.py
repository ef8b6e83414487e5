"""What runs elsewhere fits the repository: workflows, updates of pins, the editor's container."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
PINNED = re.compile(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# Each ecosystem, by the files that it keeps up to date.
ECOSYSTEMS = {
    "pip": "requirements/*.txt",
    "github-actions": ".github/workflows/*.yml",
    "docker-compose": "docker-compose*.yml",
}

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read(path: str) -> Any:
    """Return a file of YAML."""
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def workflow(path: Path) -> dict[str, Any]:
    """Return a workflow; YAML takes its key `on` for a truth value."""
    content = yaml.safe_load(path.read_text("utf-8"))
    return {("on" if key is True else key): value for key, value in content.items()}


def scripts(path: Path) -> str:
    """Return all that a workflow runs in a shell."""
    jobs = workflow(path)["jobs"].values()
    return "\n".join(step.get("run", "") for job in jobs for step in job["steps"])


def unpinned(text: str) -> list[str]:
    """Return the lines of a workflow that use an action which may be another one tomorrow."""
    used = [line.strip().removeprefix("- ") for line in text.splitlines() if "uses:" in line]
    return [line for line in used if not PINNED.fullmatch(line)]


def verbs() -> set[str]:
    """Return the verbs of the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def dev_container() -> dict[str, Any]:
    """Return the editor's settings, without their comments."""
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    return content


def inside(folder: str, volumes: list[str]) -> bool:
    """Return whether a folder of a container is a volume, or lies in one."""
    targets = [volume.split(":")[1] for volume in volumes]
    return any(folder == target or folder.startswith(f"{target}/") for target in targets)


def test_there_are_the_workflows_that_we_promise() -> None:
    """Checks of every change, and an audit every week, or when somebody asks for it."""
    check, audit = (workflow(ROOT / f".github/workflows/{x}.yml") for x in ("check", "audit"))
    assert {"push", "pull_request"} <= check["on"].keys()
    assert {"schedule", "workflow_dispatch"} <= audit["on"].keys()
    # Five fields, of which the last is one day of the week.
    (timer,) = audit["on"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", timer["cron"])


@each_workflow
def test_every_action_is_pinned_by_commit(path: Path) -> None:
    """A tag can be moved to other code; the comment says which version that commit is."""
    assert unpinned(path.read_text("utf-8")) == []


@pytest.mark.parametrize("ref", ["v7", "main", "v7.0.1", f"{'a' * 40}", f"{'a' * 12} # v7.0.1"])
def test_the_check_of_pins_can_fail(ref: str) -> None:
    """It finds tags, branches, short commits, and commits without their version."""
    assert unpinned(f"steps:\n  - uses: actions/checkout@{ref}\n")
    assert not unpinned(f"steps:\n  - uses: actions/checkout@{'a' * 40} # v7.0.1\n")


@each_workflow
def test_a_workflow_may_read_and_nothing_else(path: Path) -> None:
    """No job has more rights, and no step finds the token in the checkout."""
    content = workflow(path)
    jobs = content["jobs"].values()
    steps = [step for job in jobs for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]

    assert content["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in jobs)
    assert "pull_request_target" not in content["on"]
    assert "secrets." not in path.read_text("utf-8")
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@each_workflow
def test_a_script_is_never_made_of_what_a_stranger_wrote(path: Path) -> None:
    """A branch may be named `$(curl …)`: names come as variables; only our own matrix is pasted."""
    pasted = re.findall(r"\$\{\{\s*([\w.]+)", scripts(path))
    assert {name.split(".")[0] for name in pasted} <= {"matrix"}


@each_workflow
def test_every_job_ends(path: Path) -> None:
    """And an older run of the same change ends when a newer one begins."""
    content = workflow(path)
    assert content["concurrency"]["cancel-in-progress"] is True
    assert all(job["timeout-minutes"] <= 60 for job in content["jobs"].values())


@each_workflow
def test_what_a_workflow_runs_is_there(path: Path) -> None:
    """Verbs are the Makefile's, scripts are files, and sets of pins are those of requirements/."""
    content, text = workflow(path), scripts(path)
    matrix = [job.get("strategy", {}).get("matrix", {}) for job in content["jobs"].values()]
    sets = {name for each in matrix for name in each.get("set", ())}

    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= verbs()
    assert all((ROOT / name).is_file() for name in re.findall(r"bash (\S+)", text))
    assert not sets or sets == {path.stem for path in ROOT.glob("requirements/*.txt")}


def test_the_images_that_are_asked_are_those_that_are_built() -> None:
    """Each is a tag of `make image`, the service is compose's, and its port the one published."""
    text = scripts(ROOT / ".github/workflows/check.yml")
    images = re.search(r"for image in (.+?);", text)
    built = re.findall(r"--tag (\S+)", (ROOT / "Makefile").read_text("utf-8"))
    services = set(re.findall(r"docker compose (?:up|stop|logs) .*?(\S+)$", text, re.MULTILINE))
    ports = read("compose/api.yml")["services"]["mode"]["ports"]

    assert images
    assert set(images[1].split()) == set(built)
    assert services == {"service"} <= read("docker-compose.yml")["services"].keys()
    assert any(port.endswith(":8000") for port in ports)
    assert "http://127.0.0.1:8000/predict" in text


def test_everything_that_is_pinned_is_kept_up_to_date() -> None:
    """Once a week, and in one proposal for each kind of thing."""
    updates = {
        update["package-ecosystem"]: update for update in read(".github/dependabot.yml")["updates"]
    }

    assert updates.keys() == {name for name, files in ECOSYSTEMS.items() if [*ROOT.glob(files)]}
    for name, update in updates.items():
        # The folder that its files are looked for in; that of workflows is known.
        folder = ROOT / update["directory"].strip("/")
        assert [*folder.glob(ECOSYSTEMS[name].removeprefix("requirements/"))]
        assert update["schedule"]["interval"] == "weekly"
        ((_, group),) = update["groups"].items()
        assert group == {"patterns": ["*"]}


def test_the_editors_container_is_composes() -> None:
    """Its files, services, user and forwarded ports are those of the compose file and the image."""
    editor = dev_container()
    files = [ROOT / ".devcontainer" / name for name in editor["dockerComposeFile"]]
    services = read("docker-compose.yml")["services"]

    assert [path.resolve() for path in files] == [
        ROOT / "docker-compose.yml",
        ROOT / ".devcontainer" / "docker-compose.yml",
    ]
    assert {editor["service"], *editor["runServices"]} <= services.keys()
    assert f" {editor['remoteUser']}\n" in (ROOT / "Dockerfile").read_text("utf-8")
    own, other = editor["forwardPorts"]
    assert f"EXPOSE {own} " in (ROOT / "Dockerfile").read_text("utf-8")
    name, _, port = other.partition(":")
    assert name in editor["runServices"]
    assert [x.rpartition(":")[2] for x in services[name]["ports"]] == [port]


def test_the_editors_container_works_in_the_checkout() -> None:
    """It imports from there; what it writes elsewhere goes to volumes."""
    editor, override = dev_container(), read(".devcontainer/docker-compose.yml")["services"]
    service = override[editor["service"]]
    volumes = service["volumes"] + read("docker-compose.yml")["services"]["service"]["volumes"]
    environment = service["environment"]
    folder = environment["MAKEFLAGS"].removeprefix("VENV=")

    assert override.keys() == {editor["service"]}
    assert f".:{editor['workspaceFolder']}" in service["volumes"]
    assert environment["PYTHONPATH"] == editor["workspaceFolder"]
    assert inside(folder, volumes)
    assert inside(environment["METRICS_PASSWORD_COPY"], volumes)
    assert not inside("/elsewhere", volumes)
    assert editor["postCreateCommand"] == f"make {folder}/.dev"
    assert editor["remoteEnv"]["PATH"].startswith(f"{folder}/bin:")
    assert service["environment"]["MODE"] == "vsc"


def test_the_editors_container_gains_nothing() -> None:
    """Where it differs from the others is said here; what confines them confines it, too."""
    (service,) = read(".devcontainer/docker-compose.yml")["services"].values()
    assert service.keys() == {"read_only", "environment", "volumes"}


def test_the_editors_tools_are_a_feature() -> None:
    """A folder beside the settings, with what every feature has, named as the folder is."""
    for name in dev_container()["features"]:
        folder = ROOT / ".devcontainer" / name
        feature = json.loads((folder / "devcontainer-feature.json").read_text("utf-8"))
        assert feature["id"] == folder.name
        assert {"id", "version", "name"} <= feature.keys()
        assert "apt-get install" in (folder / "install.sh").read_text("utf-8")
