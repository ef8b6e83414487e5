"""`mlops serve` trains first, and begins anew: nothing of it stays, and nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path

import httpx
import nbformat
import pytest
from joblib import cpu_count

from benchmarks.training.process_tree import family
from settings.settings import Settings

PATIENCE_SECONDS = 60

# A shell that runs us in the background lets us ignore it.
_START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from mlops.__main__ import main
main()
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
    """Start a service that trains a pipeline first."""
    (tmp_path / "settings.ini").touch()
    others = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    own = {
        "LOCAL_DATA": str(tmp_path / "local_data"),
        "SETTINGS_FILE": str(tmp_path / "settings.ini"),
        "SERVICE_PORT": "0",
        "TRAIN_IF_EMPTY": str(folder),
    }
    return subprocess.Popen(
        [sys.executable, "-c", _START, "serve"],
        env=others | own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow  # runs a notebook, starts a service
def test_nothing_of_a_training_stays_in_the_service(tmp_path: Path) -> None:
    """What serves is begun anew: the same process and address, and none of the libraries."""
    folder = pipeline(
        tmp_path,
        "import socket",
        "from os import environ",
        "raise ValueError('Not today: ' + environ['OMP_NUM_THREADS'] + environ['OMP_WAIT_POLICY'])",
    )
    process = started(tmp_path, folder)
    try:
        said, serving = "", None
        assert process.stderr
        while not serving and (line := process.stderr.readline()):
            said += line
            serving = re.search(r"Serving on (http://\S+:\d+)", line)
        assert serving
        # Of all processors, threads that sleep while they wait.
        assert f"Not today: {cpu_count()}PASSIVE" in said
        assert httpx.get(f"{serving[1]}/health/live").status_code == HTTPStatus.OK
        mapped = Path(f"/proc/{process.pid}/maps").read_text()
        assert "httptools" in mapped
        assert [name for name in ("pandas", "zmq", "sklearn") if f"/{name}/" in mapped] == []
    finally:
        process.terminate()
        _, rest = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, rest


@pytest.mark.slow  # runs a notebook
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stop_ends_the_training_with_its_kernel(tmp_path: Path, number: int) -> None:
    """However the service ends: by Ctrl-C, by its container, or killed."""
    folder = pipeline(tmp_path, "import time", "time.sleep(600)")
    process = started(tmp_path, folder)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        # This process, and its kernel.
        while len(processes := family(process.pid)) < 2:
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
