"""The README is run: its commands in their order; its lists are held to the code."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.app import create_app
from api.state import State
from mlops.commands.settings import settings_table
from settings.settings import Settings
from tests.mixed_table import mixed_table

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
LONGEST_SECONDS = 300


def block(beginning: str) -> str:
    """Return the one block of the README that begins like this."""
    [found] = [str(text) for _, text in BLOCKS if text.startswith(beginning)]
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which the commands touch only a folder and a port of their own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("readme")
    return os.environ | {
        "LOCAL_DATA": str(folder),
        "SERVICE_PORT": str(port),
        "MAKEFLAGS": "",
        "LOAD_SECONDS": "2",
    }


def run(command: str, world: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the README with the world's folder and port in place of its own."""
    here = command.replace("local_data/", f"{world['LOCAL_DATA']}/")
    here = here.replace("127.0.0.1:8000", f"127.0.0.1:{world['SERVICE_PORT']}")
    return subprocess.run(
        ["bash", "-c", here],
        cwd=ROOT,
        env=world,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


@contextmanager
def serving(command: str, world: dict[str, str]) -> Iterator[str]:
    """Run a command that serves, wait until it is ready, and stop it; give what it said."""
    said = Path(world["LOCAL_DATA"]) / "said.txt"
    with said.open("w") as output:
        service = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=ROOT,
            env=world,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_until_ready(service, world["SERVICE_PORT"], said)
            yield said.read_text(encoding="utf-8")
        finally:
            os.killpg(service.pid, signal.SIGTERM)
            service.wait(timeout=60)


def wait_until_ready(service: "subprocess.Popen[bytes]", port: str, said: Path) -> None:
    """Ask for readiness until it is there; fail where the service has ended."""
    for _ in range(LONGEST_SECONDS * 5):
        assert service.poll() is None, said.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready") as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(said.read_text(encoding="utf-8"))


def commands(text: str) -> list[str]:
    """Return the commands of a block, without the comments beside them."""
    joined = text.replace("\\\n", " ")
    return [re.sub(r"\s{2,}#.*", "", line).strip() for line in joined.splitlines() if line.strip()]


@pytest.mark.slow  # It trains three models through notebooks, as the README's reader does.
def test_the_commands_do_what_the_readme_says(world: dict[str, str], tmp_path: Path) -> None:
    """A reader who types the README's commands in their order gets what it shows."""
    serve, test = commands(block("make serve  "))
    assert test == "make test"
    with serving(serve, world) as said:
        for part in ("address", "/docs", "curl", "/predict"):
            assert part in said
        answer = json.loads(block('[{"variety"'))
        assert json.loads(run(block("curl http"), world).stdout) == answer
        metrics = run(block("curl -u metrics"), world).stdout
        assert 'predict_rows_total{model="iris",outcome="answered"' in metrics

        asked, *told, queue, report = commands(block("curl -i"))
        assert "x-request-id: case-4711" in run(asked, world).stdout.lower()
        assert [json.loads(run(line, world).stdout)[0]["status"] for line in told] == ["stored"]
        assert json.loads(run(queue, world).stdout)
        assert "reports" in run(report, world).stdout

        # What these do to the store, the running service follows.
        for command in commands(block(".venv/bin/mlops train")):
            done = run(command, world)
            assert done.returncode == 0, done.stderr
        exported, check, frame = commands(block(".venv/bin/mlops log export"))
        assert run(check, world).returncode == 0
        line = json.loads(run(exported, world).stdout.splitlines()[0])
        assert line["outputs"] == answer
        assert "Virginica" in run(frame, world).stdout

    table = tmp_path / "own.csv"
    mixed_table(300, 1).to_csv(table, index=False)
    [own] = commands(block("make serve DATA="))
    own = own.replace("path/to/table.csv", str(table)).replace("=column", "=Label")
    with serving(own, world) as said:
        assert "Serving own " in said


def test_every_block_is_run() -> None:
    """A block that nobody runs would be the first to be wrong."""
    known = (
        "make serve  ",
        "curl http",
        "curl -i",
        '[{"variety"',
        "make serve DATA=",
        ".venv/bin/mlops train",
        ".venv/bin/mlops log export",
        "curl -u metrics",
        "make image",  # by `make image-test`
    )
    assert [text for _, text in BLOCKS if not text.startswith(known)] == []


def test_the_folders_exist_and_all_are_named() -> None:
    """The list of folders is complete, and names none that is not there."""
    table = README.split("## What is where")[1].split("##")[0]
    named = set(re.findall(r"^\| `(\w+)/`", table, re.MULTILINE))
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    folders = {path.split("/")[0] for path in tracked if "/" in path}
    assert named == {name for name in folders if not name.startswith(".")} - {"docs"}


def test_the_routes_are_those_of_the_app(tmp_path: Path) -> None:
    """The list of routes is what the app has."""
    table = README.split("## The service")[1].split("**Input")[0]
    named = {
        path for line in table.splitlines() for path in re.findall(r"(?:GET|POST) (/[^` ]+)", line)
    }
    app = create_app(Settings(local_data=tmp_path))
    paths = {getattr(route, "path", "") for route in app.routes}
    assert named == paths - {"/docs/{name}"}


def metrics_table(app: FastAPI) -> str:
    """Return every metric of the service, but those of the process and of Python, as a table."""
    lines = ["| metric | kind | meaning |", "| --- | --- | --- |"]
    with TestClient(app) as client:
        state: State = client.app_state["service"]
        for family in state.metrics.registry.collect():
            if not family.name.startswith(("process_", "python_")):
                name = f"{family.name}_total" if family.type == "counter" else family.name
                lines.append(f"| `{name}` | {family.type} | {family.documentation} |")
    return "\n".join([*lines[:2], *sorted(lines[2:])])


def test_the_metrics_are_those_of_the_service(tmp_path: Path) -> None:
    """The table of metrics is what `/metrics` exposes, each with its help text."""
    settings = Settings(local_data=tmp_path, log_max_bytes=2**30, log_key=SecretStr("k" * 32))
    assert metrics_table(create_app(settings)) in README


def test_the_settings_are_those_of_the_service() -> None:
    """The table of settings is what `mlops settings --markdown` prints."""
    assert settings_table() in README


def test_the_links_lead_somewhere() -> None:
    """Every relative link and picture of the README is a file here."""
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
