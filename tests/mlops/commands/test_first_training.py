"""`mlops serve` trains in a process of its own: nothing of it stays, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from joblib import cpu_count

from benchmarks.training.process_tree import family
from settings.settings import Settings

PATIENCE_SECONDS = 60

_SCRIPT = """
import json, signal, sys
from mlops.commands.first_training import train_apart
from mlops.process.threads import use_one_thread
import typer
use_one_thread()
# A shell that runs us in the background lets us ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    model = train_apart()
except typer.Exit as error:
    print(json.dumps([error.exit_code, sorted(sys.modules)]))
else:
    print(json.dumps([model, sorted(sys.modules)]))
"""


def pipeline(tmp_path: Path, *sources: str) -> Path:
    """Return a pipeline of one notebook with these cells."""
    notebook = nbformat.v4.new_notebook()
    notebook["cells"] = [nbformat.v4.new_code_cell(source) for source in sources]
    folder = tmp_path / "own"
    folder.mkdir()
    nbformat.write(notebook, folder / "00_own.ipynb")
    return folder


def started(tmp_path: Path, folder: Path) -> "subprocess.Popen[str]":
    """Start a process that trains a pipeline apart, as a service does."""
    (tmp_path / "settings.ini").touch()
    others = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    own = {
        "LOCAL_DATA": str(tmp_path / "local_data"),
        "SETTINGS_FILE": str(tmp_path / "settings.ini"),
        "TRAIN_IF_EMPTY": str(folder),
    }
    return subprocess.Popen(
        [sys.executable, "-c", _SCRIPT],
        env=others | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow  # runs a notebook
def test_no_library_of_the_training_is_imported_where_it_is_asked_for(tmp_path: Path) -> None:
    """A failure comes through: its sentence, and its exit code."""
    folder = pipeline(
        tmp_path,
        "import pandas",
        "from os import environ",
        "raise ValueError('Not today: ' + environ['OMP_NUM_THREADS'] + environ['OMP_WAIT_POLICY'])",
    )
    said, errors = started(tmp_path, folder).communicate(timeout=PATIENCE_SECONDS)
    assert said.startswith("[1, ")
    # Of all processors, threads that sleep while they wait.
    assert f"Not today: {cpu_count()}PASSIVE" in errors
    for name in ("pandas", "sklearn", "papermill", "ipykernel"):
        assert f'"{name}"' not in said


@pytest.mark.slow  # runs a notebook
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stop_ends_the_training_with_its_kernels(tmp_path: Path, number: int) -> None:
    """However the service ends: by Ctrl-C, by its container, or killed."""
    folder = pipeline(tmp_path, "import time", "time.sleep(600)")
    process = started(tmp_path, folder)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        # This process, the training, and its kernel.
        while len(processes := family(process.pid)) < 3:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_SECONDS)
        while any(map(family, processes)):
            assert time.monotonic() < deadline + PATIENCE_SECONDS
            time.sleep(0.05)
    finally:
        process.kill()
        process.communicate()
