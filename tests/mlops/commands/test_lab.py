"""`mlops lab` needs its token, and runs a notebook as a training does."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest

from ml_pipe.runner.run.notebook_run import run_notebook
from mlops.commands import lab
from mlops.console import Exit
from mlops.process.git_filter import FILTER
from mlops.process.threads import VARIABLES
from settings.settings import Settings
from settings.sources import PROJECT_ROOT
from tests.jupyter_client import PATIENCE_SECONDS, run_cells
from tests.mlops.conftest import Mlops

NOTEBOOK = PROJECT_ROOT / "ml_pipe" / "00_data_etl.ipynb"

# What of its surroundings a notebook may come to depend on.
SURROUNDINGS = f"""
import os, sys
names = {[*VARIABLES, "LOCAL_DATA", "PYTHONPATH"]}
print({{name: os.environ.get(name) for name in names}}, sys.prefix, sys.executable, sys.path)
"""


@dataclass
class Lab:
    """A running JupyterLab."""

    address: str
    token: str
    said: Path
    """Its output so far."""

    def get(self, path: str, token: str | None = None) -> httpx.Response:
        """Ask for something, with the token unless another one is given."""
        token = self.token if token is None else token
        headers = {"Authorization": f"token {token}"} if token else {}
        return httpx.get(self.address + path, headers=headers, timeout=PATIENCE_SECONDS)

    def run(self, notebook: Path, cells: list[str]) -> list[list[dict[str, Any]]]:
        """Return the outputs of cells, run in a kernel that is started for a notebook."""
        path = notebook.relative_to(PROJECT_ROOT).as_posix()
        return run_cells(self.address, self.token, path, cells)


def shown(outputs: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Return what a reader sees of a cell's outputs; streams arrive in pieces of any length.

    A warning names a file that is the kernel's own, with its process id.
    """
    seen: list[tuple[str, Any]] = []
    for output in outputs:
        kind = output.get("name") or output["output_type"]
        if seen and seen[-1][0] == kind and "text" in output:
            seen[-1] = (kind, seen[-1][1] + output["text"])
        else:
            seen.append((kind, output.get("text") or output.get("data") or output))
    return [
        (kind, re.sub(r"\bipykernel_\d+\b", "ipykernel", text) if isinstance(text, str) else text)
        for kind, text in seen
    ]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start JupyterLab as a user does, who has a Jupyter of their own without a token."""
    folder = tmp_path_factory.mktemp("lab")
    home = folder / "home" / ".jupyter"
    home.mkdir(parents=True)
    (home / "jupyter_server_config.py").write_text("c.IdentityProvider.token = ''\n")
    own = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    said = folder / "said"
    with said.open("wb") as stream:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("mlops"), "lab", "--port", "0"],
            env=own
            | {
                "HOME": str(home.parent),
                "JUPYTER_TOKEN": "theirs",
                "JUPYTER_CONFIG_DIR": str(home),
                "LOCAL_DATA": str(folder / "local_data"),
            },
            stderr=stream,
        )
    try:
        while "is running at" not in said.read_text():
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.05)
        address = re.search(r"address +(http://[^/]+)/", said.read_text())
        assert address
        token = (folder / "local_data" / "secrets" / lab.TOKEN).read_text().strip()
        yield Lab(address[1], token, said)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@pytest.mark.slow  # JupyterLab is started, once for all that use it
def test_the_token_opens_it_and_nothing_else_does(running: Lab) -> None:
    """A missing or another token is refused, also one of the environment or of other settings."""
    assert running.get("/api/kernels").json() == []
    refused = [running.get("/api/kernels", token).status_code for token in ("", "x", "theirs")]
    assert refused == [403, 403, 403]


@pytest.mark.slow  # JupyterLab is started, once for all that use it
def test_the_token_is_never_printed(running: Lab) -> None:
    """The output names its file; a kernel, whose outputs are kept, cannot show it."""
    assert lab.TOKEN in running.said.read_text()
    assert running.token not in running.said.read_text()
    ((seen,),) = running.run(NOTEBOOK, ["import os; print(dict(os.environ))"])
    assert "PYTHONPATH" in seen["text"]
    assert running.token not in seen["text"]


@pytest.mark.slow  # JupyterLab is started, once for all that use it
def test_it_opens_in_the_folder_of_the_notebooks(running: Lab) -> None:
    """The only kernel is this interpreter."""
    assert running.get("/").headers["Location"].rstrip("?").endswith("/lab/tree/ml_pipe")
    files = running.get("/api/contents/ml_pipe").json()["content"]
    assert NOTEBOOK.name in [file["name"] for file in files]
    assert list(running.get("/api/kernelspecs").json()["kernelspecs"]) == ["python3"]


@pytest.mark.slow  # JupyterLab is started, once for all that use it
def test_outputs_are_kept_out_of_git_from_then_on(running: Lab) -> None:
    """In a checkout, its own configuration names what cleans notebooks; elsewhere nothing does."""
    command = ["git", "-C", str(PROJECT_ROOT), "config", "--local", f"filter.{FILTER}.clean"]
    set_to = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    assert (PROJECT_ROOT / ".git").exists() == ("clean_notebook.py" in set_to)


@pytest.mark.slow  # JupyterLab is started, once for all that use it
def test_hidden_files_are_not_shown(running: Lab) -> None:
    """Those of git are an example."""
    assert (PROJECT_ROOT / ".gitattributes").is_file()
    assert running.get("/api/contents/.gitattributes").status_code == 404
    assert running.get("/api/contents/settings.ini").status_code == 200


@pytest.mark.slow  # JupyterLab is started, once for all that use it
def test_it_fetches_nothing(running: Lab) -> None:
    """The page shows no news, no newer version and no list of extensions."""
    page = running.get("/lab").text
    config = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert config
    page = json.loads(config[1])
    assert page["news"] == {"disabled": True}
    assert lab.ANNOUNCEMENTS in page["disabledExtensions"]
    assert page["extensionManager"]["can_install"] is False
    assert running.get("/lab/api/update").json() == {"notification": None}


@pytest.mark.slow  # runs a notebook twice, in kernels of its own
def test_a_notebook_does_what_it_does_in_a_run(
    running: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cell of `00_data_etl` shows the same, and the same table is left."""
    local_data = running.said.parent / "local_data"
    monkeypatch.setenv("LOCAL_DATA", str(local_data))
    executed = tmp_path / NOTEBOOK.name
    run_notebook(NOTEBOOK, executed, {}, cell_timeout_seconds=60, on_phase=lambda _: None)
    by_hand = local_data / "runs" / "by-hand"
    left = {path.name: path.read_bytes() for path in by_hand.glob("*.*")}
    for name in left:
        (by_hand / name).unlink()

    notebook = nbformat.read(executed, as_version=4)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    outputs = running.run(NOTEBOOK, [cell["source"] for cell in code])

    assert [shown(own) for own in outputs] == [shown(cell["outputs"]) for cell in code]
    assert "table.json" in left
    assert {path.name: path.read_bytes() for path in by_hand.glob("*.*")} == left


@pytest.mark.slow  # starts the command and two kernels
def test_a_kernel_has_the_surroundings_of_a_run(running: Lab, tmp_path: Path) -> None:
    """Interpreter, packages, threads and the folder of data are the same."""
    notebook = nbformat.v4.new_notebook()
    notebook["cells"] = [nbformat.v4.new_code_cell(SURROUNDINGS)]
    nbformat.write(notebook, tmp_path / "00_surroundings.ipynb")
    local_data = running.said.parent / "local_data"
    own = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    subprocess.run(
        [Path(sys.executable).with_name("mlops"), "train", tmp_path],
        env=own | {"LOCAL_DATA": str(local_data)},
        check=True,
        capture_output=True,
    )
    (executed,) = local_data.glob("runs/*/00_surroundings.ipynb")
    (cell,) = nbformat.read(executed, as_version=4)["cells"]

    (outputs,) = running.run(NOTEBOOK, [SURROUNDINGS])

    assert shown(outputs) == shown(cell["outputs"])


@pytest.mark.slow  # JupyterLab is started, once for all that use it
def test_a_taken_port_is_reported(mlops: Mlops, local_data: Path, running: Lab) -> None:
    """A sentence names it, before a token is made."""
    result = mlops("lab", "--port", running.address.rpartition(":")[2])
    assert result.exit_code == Exit.FAILED
    assert running.address.removeprefix("http://") in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not local_data.exists()


def test_an_installation_without_it_says_so(
    mlops: Mlops, local_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image that only serves is such an installation."""
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    result = mlops("lab")
    assert result.exit_code == Exit.FAILED
    assert "make lab" in result.stderr
    assert not local_data.exists()


def test_a_folder_that_cannot_be_written_is_reported(mlops: Mlops, local_data: Path) -> None:
    """Without a place for the token JupyterLab does not start."""
    local_data.write_text("a file where the folder should be")
    result = mlops("lab", "--port", "0")
    assert result.exit_code == Exit.FAILED
    assert "LOCAL_DATA" in result.stderr
