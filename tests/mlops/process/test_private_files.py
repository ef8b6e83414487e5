"""What the command writes is its user's alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mlops.process.private_files import as_given, close_folders, keep_private
from mlops.process.secret_files import copy_secret
from tests.iris_example import iris_example


def mode(path: Path) -> int:
    """Return the permissions of a path."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.slow  # it trains a model
def test_a_training_leaves_nothing_that_others_can_read(tmp_path: Path) -> None:
    """Tables, notebooks, golden rows, models, figures, keys; whatever umask its shell has."""
    example = iris_example(tmp_path)
    local_data = tmp_path / "local_data"
    (local_data / "runs").mkdir(mode=0o755, parents=True)
    done = subprocess.run(
        ["/bin/sh", "-c", f"umask 022; exec {sys.executable} -m mlops train {example}"],
        env=os.environ | {"LOCAL_DATA": str(local_data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = [p for name in ("runs", "models", "secrets") for p in (local_data / name).rglob("*")]
    assert {"clean.parquet", "golden.json", "00_data_etl.ipynb", "publisher_key.pem"} <= {
        path.name for path in written
    }
    for path in [*written, local_data / "runs", local_data / "models"]:
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_what_another_user_reads_is_left_readable(tmp_path: Path) -> None:
    """Prometheus is another user, and reads its password from a folder of its own."""
    before = os.umask(0o022)
    try:
        keep_private()
        copy_secret("secret", tmp_path / "password")
        (tmp_path / "private").touch()
        as_given()
        (tmp_path / "given").touch()
    finally:
        os.umask(before)
    assert mode(tmp_path / "password") == 0o444
    assert mode(tmp_path / "private") == 0o600
    assert mode(tmp_path / "given") == 0o644


def test_folders_of_earlier_versions_are_closed(tmp_path: Path) -> None:
    """Those that somebody opened on purpose stay as they are."""
    for name, given in (("runs", 0o755), ("models", 0o750)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(given)
    close_folders(tmp_path)
    close_folders(tmp_path / "absent")
    assert mode(tmp_path / "runs") == 0o700
    assert mode(tmp_path / "models") == 0o750
