"""What each mode does, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.image.conftest import NewProject
from tests.image.engine import logs, run
from tests.jupyter_client import run_cells
from tests.waiting import wait_until


def test_an_unknown_mode_is_a_sentence(images: dict[str, Any]) -> None:
    """The exit code is 2, as with any other misuse."""
    container = run("docker", "run", "--detach", "--env", "MODE=apo", "ml-service")
    try:
        assert run("docker", "wait", container) == "2"
        output = logs(container)
        assert output == "MODE=apo is no mode: set it to api, jupyterlab, train or vsc."
    finally:
        run("docker", "rm", container)


def test_an_unknown_mode_is_refused_by_compose(new_project: NewProject) -> None:
    """The error names the missing compose file of the mode."""
    code, output = new_project(MODE="apo").code("config")
    assert code
    assert "compose/apo.yml" in output


def test_without_a_mode_the_container_stays_up(new_project: NewProject) -> None:
    """It is idle, healthy, and ends at once when it is stopped."""
    project = new_project()
    project("up", "--detach", "--no-build", "service")
    wait_until(lambda: project.health() == "healthy", 300)
    container = project.container()
    run("docker", "stop", "--time", "60", container)
    assert json.loads(run("docker", "inspect", container))[0]["State"]["ExitCode"] == 0


def test_train_runs_once_and_ends_with_its_status(new_project: NewProject) -> None:
    """A run that passes ends with 0, and one whose model is not good enough does not."""
    project = new_project(MODE="train")
    code, output = project.code("run", "--rm", "service", "examples/iris")
    assert code == 0, output
    assert "Published iris" in output
    code, output = project.code(
        "run", "--rm", "service", "examples/iris", "-p", "lowest_score=0.9999"
    )
    assert code == 1, output
    assert "lowest_score" in output or "acceptance" in output


def is_training(container: str) -> bool:
    """Return whether a notebook's kernel runs in a container.

    Raises:
        AssertionError: it has ended.
    """
    running = run("docker", "inspect", "--format", "{{.State.Running}}", container)
    assert running == "true", logs(container)
    # Not `docker top`, which may cut a command short at the width of some terminal.
    return "ipykernel" in run(
        "docker", "exec", container, "bash", "-c", "cat /proc/[0-9]*/cmdline", check=False
    )


def test_a_training_can_be_stopped(new_project: NewProject) -> None:
    """The signal reaches the run, which ends before its grace does."""
    project = new_project(MODE="train")
    container = project("run", "--detach", "service", "examples/iris").splitlines()[-1]
    try:
        wait_until(lambda: is_training(container), 300)
        # Beyond that time the engine would kill it, and it would end with 137.
        run("docker", "stop", "--time", "300", container)
        code = run("docker", "wait", container)
        assert code == "143", logs(container)
    finally:
        run("docker", "rm", "--force", container)


def test_jupyterlab_asks_for_its_token_and_runs_the_notebooks(new_project: NewProject) -> None:
    """Its kernel has everything; what is saved there is saved in the checkout."""
    project = new_project(MODE="jupyterlab")
    project("up", "--detach", "--no-build", "service")
    wait_until(lambda: project.status("/api", port="JUPYTER") == 200, 300)
    assert project.status("/api/contents/ml_pipe", port="JUPYTER") == 403
    token = project.inside("cat", "local_data/secrets/jupyter_token")
    shown = project.ask("/api/contents/ml_pipe", port="JUPYTER", Authorization=f"token {token}")
    assert shown
    names = [entry["name"] for entry in shown.json["content"]]
    assert "00_data_etl.ipynb" in names
    project.inside("touch", "ml_pipe/saved_here")
    assert token not in logs(project.container())
    # In a root that is read-only, with the packages of the image.
    address = f"http://127.0.0.1:{project.ports['JUPYTER']}"
    cell = "import ml_pipe, sklearn; print(ml_pipe.__file__)"
    ((output,),) = run_cells(address, token, "ml_pipe/00_data_etl.ipynb", [cell])
    assert output["text"] == "/service/ml_pipe/__init__.py\n"


@pytest.mark.parametrize("turned_off", ["", "none"])
def test_an_empty_store_may_stay_empty(new_project: NewProject, turned_off: str) -> None:
    """`TRAIN_IF_EMPTY=` trains nothing; the service says what is missing."""
    project = new_project(MODE="api", TRAIN_IF_EMPTY=turned_off)
    project("up", "--detach", "--no-build", "service")
    wait_until(lambda: project.status("/health/live") == 200, 300)
    answer = project.ask("/health/ready")
    assert answer
    assert answer.status == 503
    assert "model" in answer.json["missing"]
    code, output = project.code("exec", "-T", "service", "/service/entrypoint.sh", "healthy")
    assert code, f"The engine reads that it is healthy: {output}"


def test_a_first_training_that_fails_is_not_repeated_without_end(new_project: NewProject) -> None:
    """The service stays up without a model, and its log says why."""
    project = new_project(MODE="api", TRAIN_IF_EMPTY="examples/nowhere")
    project("up", "--detach", "--no-build", "service")
    wait_until(lambda: project.status("/health/ready") == 503, 300)
    output = logs(project.container())
    assert "examples/nowhere" in output
    assert "The training failed" in output
    assert project.inspect()["RestartCount"] == 0


def test_the_port_in_the_container_is_the_one_that_is_published(
    new_project: NewProject, tmp_path: Path
) -> None:
    """`settings.ini` does not change it: otherwise the container would be unreachable."""
    settings = tmp_path / "settings.ini"
    settings.write_text("[service]\nhost = 127.0.0.1\nport = 9000\n")
    mount = {"volumes": [f"{settings}:/service/settings.ini:ro"]}
    other = tmp_path / "settings.yml"
    other.write_text(json.dumps({"services": {"service": mount}}))
    project = new_project("--file", str(other), MODE="api", TRAIN_IF_EMPTY="")
    project("up", "--detach", "--no-build", "service")
    wait_until(lambda: project.status("/health/live") == 200, 300)
    assert project.inside("printenv", "SERVICE_PORT") == "8000"
