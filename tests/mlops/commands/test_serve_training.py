"""`mlops serve` on an empty store, if its first training fails."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import nbformat
import pytest

from settings.settings import Settings

PATIENCE_SECONDS = 120


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """Return a pipeline of one notebook, which fails."""
    notebook = nbformat.v4.new_notebook()
    notebook["cells"] = [nbformat.v4.new_code_cell("raise ValueError('There is no table today.')")]
    folder = tmp_path / "failing"
    folder.mkdir()
    nbformat.write(notebook, folder / "00_data_etl.ipynb")
    return folder


@pytest.mark.slow  # runs a notebook, starts a service
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_first_training_that_fails_stops_no_start(
    tmp_path: Path, failing: Path, workers: str
) -> None:
    """It prints the reason and what to do; the service runs, not ready, and ends with 0.

    A container whose process ended would be started again, and would train again, without end.
    """
    (tmp_path / "settings.ini").touch()
    others = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    own = {
        "LOCAL_DATA": str(tmp_path / "local_data"),
        "SETTINGS_FILE": str(tmp_path / "settings.ini"),
        "SERVICE_PORT": "0",
        "SERVICE_WORKERS": workers,
        "TRAIN_IF_EMPTY": str(failing),
    }
    process = subprocess.Popen(
        [Path(sys.executable).with_name("mlops"), "serve"],
        env=others | own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        said, serving = "", None
        while not serving and (line := process.stderr.readline()):
            said += line
            serving = re.search(r"Serving on (http://\S+:\d+), but nothing can be predicted", line)
        assert serving, said
        ready = httpx.get(f"{serving[1]}/health/ready", timeout=PATIENCE_SECONDS)
        assert ready.status_code == 503
        assert "There is no table today." in said
        assert "The training failed" in said
        assert len(list((tmp_path / "local_data" / "runs").iterdir())) == 1
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
