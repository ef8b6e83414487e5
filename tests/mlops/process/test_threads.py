"""The threads of numerical libraries follow from what the process may use."""

import os
import subprocess
import sys

import joblib
import pytest

from mlops.process import threads
from mlops.process.threads import (
    VARIABLES,
    threads_for_training,
    use_one_thread,
)


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_ours", set())
    for name in VARIABLES:
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)


def test_one_thread_serves() -> None:
    """The number of cores does not matter."""
    use_one_thread()
    assert [os.environ[name] for name in VARIABLES] == ["1", "1", "1"]


def test_variables_of_the_environment_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """That holds in serving and in training."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(joblib, "cpu_count", lambda: 7)
    use_one_thread()
    with threads_for_training():
        assert os.environ["OMP_NUM_THREADS"] == "1"


def test_a_training_uses_what_the_container_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """It uses as many threads as the quota allows, and one again afterwards."""
    monkeypatch.setattr(joblib, "cpu_count", lambda: 7)
    use_one_thread()
    with threads_for_training():
        assert [os.environ[name] for name in VARIABLES] == ["7", "7", "7"]
    assert [os.environ[name] for name in VARIABLES] == ["1", "1", "1"]


def test_the_command_says_so_before_numpy_is_loaded() -> None:
    """Its pool is made when it is imported, and never again."""
    code = """
import os, sys
from importlib.abc import MetaPathFinder

class ImportMonitor(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "numpy":
            print(os.environ.get("OPENBLAS_NUM_THREADS"), flush=True)
            os._exit(0)

sys.meta_path.insert(0, ImportMonitor())
from mlops.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]
