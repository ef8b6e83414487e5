"""The notebooks as they stand in git: clean, tagged, and exported."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ml_pipe
from ml_pipe.runner.run.parameters import TAG
from ml_pipe.runner.source.export import PACKAGE

NOTEBOOKS = sorted(PACKAGE.glob("*.ipynb"))
CLEAN = "from nbdev.clean import nbdev_clean; nbdev_clean.__wrapped__()"


def tagged(path: Path) -> int:
    """Return how many cells of a notebook are tagged as parameters."""
    cells = json.loads(path.read_text())["cells"]
    return sum(TAG in cell["metadata"].get("tags", []) for cell in cells)


def test_cleaning_changes_nothing_and_keeps_the_parameters_tag(tmp_path: Path) -> None:
    """Without the tag, papermill puts parameters above the defaults, which then win."""
    shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
    (tmp_path / "ml_pipe").mkdir()
    for path in NOTEBOOKS:
        shutil.copy(path, tmp_path / "ml_pipe")
    subprocess.run([sys.executable, "-c", CLEAN], cwd=tmp_path, check=True)
    for path in NOTEBOOKS:
        cleaned = tmp_path / "ml_pipe" / path.name
        assert cleaned.read_text() == path.read_text()
        assert tagged(cleaned) == (path.stem != "03_workflow")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_cell_is_the_modules_docstring(path: Path) -> None:
    """One sentence that says what the notebook is for."""
    first = "".join(json.loads(path.read_text())["cells"][0]["source"])
    summary = next(line[2:] for line in first.splitlines() if line.startswith("> "))
    module = (PACKAGE / path.name[3:]).with_suffix(".py")
    assert module.read_text().startswith(f'"""{summary}"""')


def test_the_package_has_a_version() -> None:
    """Which nbdev keeps in `__init__`."""
    assert ml_pipe.__version__


@pytest.mark.slow  # runs the assertions of four notebooks, in kernels of nbdev's own
def test_the_notebooks_assertions_hold(tmp_path: Path) -> None:
    """And nbdev-test writes nothing of a run."""
    command = [sys.executable, "-c", "from nbdev.test import nbdev_test; nbdev_test.__wrapped__()"]
    shutil.copytree(
        PACKAGE, tmp_path / "ml_pipe", ignore=shutil.ignore_patterns("__pycache__", "runs")
    )
    shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
    for name in ("model_store", "monitoring"):
        (tmp_path / name).symlink_to(PACKAGE.parent / name)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Success.\n"), done.stderr
    assert not (tmp_path / "local_data").exists()
