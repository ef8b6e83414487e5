"""The folder of a run."""

from datetime import UTC, datetime
from pathlib import Path

from ml_pipe.runner.run.run_folder import new_run_folder


def test_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    """A name that is no safe file name is made one."""
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    names = [new_run_folder(tmp_path, "../Wein & mehr", noon).name for _ in range(2)]
    assert names == ["20261121T120000Z_Wein-mehr", "20261121T120000Z_Wein-mehr-2"]
