"""Notebooks in git: without outputs, by themselves."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from ml_pipe.runner.source.clean_notebook import clean_notebook, digest
from ml_pipe.runner.source.export import PACKAGE
from mlops.process.git_filter import FILTER, install_git_filter
from mlops.process.git_revision import is_dirty

ROOT = PACKAGE.parent
NOTEBOOKS = sorted([*PACKAGE.glob("*.ipynb"), *ROOT.glob("examples/*/*.ipynb")])


def executed(text: str) -> str:
    """Return a notebook's text as JupyterLab writes it after a run."""
    notebook = nbformat.reads(text, as_version=4)
    for number, cell in enumerate(notebook["cells"], start=1):
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [nbformat.v4.new_output("stream", text="a row of the table")]
            cell["metadata"]["execution"] = {"iopub.execute_input": "2026-11-21T12:00:00Z"}
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.11.2"}
    notebook["metadata"]["kernelspec"]["display_name"] = "Python 3 (ipykernel)"
    written: str = nbformat.writes(notebook)
    return written


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_clean_notebook_stays_and_a_run_leaves_no_trace(path: Path, tmp_path: Path) -> None:
    """Byte for byte, the tag of the parameters too; the digest is that of what git keeps."""
    text = path.read_text("utf-8")
    assert clean_notebook(text) == text
    after = executed(text)
    assert "a row of the table" in after
    assert clean_notebook(after) == text
    (tmp_path / path.name).write_text(after, "utf-8")
    assert digest(tmp_path / path.name) == digest(path)


def test_a_file_that_is_no_notebook_has_a_digest_of_its_own(tmp_path: Path) -> None:
    """As has one that is not there."""
    path = tmp_path / "00.ipynb"
    assert digest(path) == ""
    path.write_text("<<<<<<< ours")
    assert len(digest(path)) == 64


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the notebooks alone, with the filter."""
    for name in (".gitattributes", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "ml_pipe", ignore=shutil.ignore_patterns("__pycache__"))
    git(tmp_path, "init", "--quiet")
    assert install_git_filter(tmp_path)
    git(tmp_path, "add", "--all")
    git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "All")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_outputs_stay_in_the_file_and_out_of_git(checkout: Path) -> None:
    """Nothing differs after a run; an edited cell does, and comes without the outputs."""
    path = checkout / "ml_pipe" / "01_model_class.ipynb"
    committed = path.read_text("utf-8")
    path.write_text(executed(committed), "utf-8")
    assert git(checkout, "diff") == ""
    assert not is_dirty(checkout)
    assert "a row of the table" in path.read_text("utf-8")
    path.write_text(executed(committed).replace("MOST_COLUMNS = 30", "MOST_COLUMNS = 31"), "utf-8")
    git(checkout, "add", "--all")
    difference = git(checkout, "diff", "--cached", "--unified=0")
    changed = [line for line in difference.splitlines() if line.startswith("+ ")]
    assert changed == ['+    "MOST_COLUMNS = 31\\n",']
    assert "a row of the table" in path.read_text("utf-8")


def test_a_filter_that_fails_loses_nothing(checkout: Path) -> None:
    """As where the environment is gone, or a notebook is no JSON: git keeps the file as it is."""
    path = checkout / "ml_pipe" / "01_model_class.ipynb"
    path.write_text("<<<<<<< in the middle of a merge\n")
    git(checkout, "add", "--all")
    assert git(checkout, "show", ":ml_pipe/01_model_class.ipynb") == path.read_text()
    git(checkout, "config", f"filter.{FILTER}.clean", "/gone/.venv/bin/python -I clean_notebook.py")
    cells = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(cells))
    git(checkout, "add", "--all")
    assert git(checkout, "show", ":ml_pipe/01_model_class.ipynb") == path.read_text()


def test_notebooks_that_two_have_edited_are_merged_cell_by_cell(checkout: Path) -> None:
    """By the driver that `.gitattributes` names."""
    driver = git(checkout, "config", "merge.jupyternotebook.driver")
    assert driver.strip().endswith("nbdev-merge %O %A %B %P")
    assert Path(driver.split()[0]).parent == Path(sys.executable).parent


def test_without_a_checkout_nothing_is_installed(tmp_path: Path) -> None:
    """As in an image."""
    assert install_git_filter(tmp_path) is False
    assert list(tmp_path.iterdir()) == []
