"""The folder of a run."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.context import Context
from ml_pipe.runner.run.notebook_run import CellError
from ml_pipe.runner.run.run_folder import (
    VARIABLE,
    Run,
    current_folder,
    is_by_hand,
    new_run_folder,
    past_runs,
    recorded,
    run_context,
    run_in,
)
from ml_pipe.runner.source.export import PACKAGE
from mlops.process.git_revision import read_git_revision
from settings.model_settings import TRUSTED_TYPES
from tests.empty_environment import empty_environment


def test_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    """A name that is no safe file name is made one."""
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    names = [new_run_folder(tmp_path, "../Wein & mehr", noon).name for _ in range(2)]
    assert names == ["20261121T120000Z_Wein-mehr", "20261121T120000Z_Wein-mehr-2"]


@pytest.mark.slow  # it starts processes
def test_by_hand_each_pipeline_has_a_folder_where_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the context is that of `mlops train`: one list of trusted types, the checkout's head."""
    empty_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("LOCAL_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(PACKAGE)
    assert is_by_hand()
    assert current_folder() == tmp_path / "data" / "runs" / "by-hand"
    (tmp_path / "own pipeline").mkdir()
    monkeypatch.chdir(tmp_path / "own pipeline")
    assert current_folder() == tmp_path / "data" / "runs" / "by-hand_own-pipeline"
    assert run_context().trusted_types == TRUSTED_TYPES
    assert run_context().git_head == read_git_revision(PACKAGE).head


def test_settings_that_cannot_be_used_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the sentence of the command."""
    empty_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("LOCAL_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("SERVICE_PORT", "x")
    with pytest.raises(PipelineError, match=r"settings cannot be read: .*SERVICE_PORT cannot be"):
        run_context()


def test_a_folder_of_no_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the variable is left over in a shell."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(PipelineError, match=f"is no folder of a run: unset {VARIABLE}"):
        run_context()


def run_of(folder: Path) -> Run:
    """Return what is run in a folder."""
    context = Context(local_data=str(folder.parents[1]))
    return Run(run=folder.name, pipeline="p", notebooks={}, parameters={}, context=context)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, "finished"),
        (CellError("x", 3, "accept()", "Not good.", Path("x"), error="AcceptanceError"), "refused"),
        (CellError("x", 1, "a['a']", "'a'", Path("x"), error="KeyError"), "failed"),
        (PipelineError("There is no kernel."), "failed"),
    ],
)
def test_a_run_records_how_it_ended(tmp_path: Path, error: Exception | None, state: str) -> None:
    """And is unfinished until then, as one that was killed stays."""
    folder = new_run_folder(tmp_path, "p", datetime(2026, 11, 21, 12, tzinfo=UTC))
    with contextlib.suppress(PipelineError), recorded(folder, run_of(folder)):
        assert run_in(folder).outcome.state == "unfinished"
        if error:
            raise error
    assert past_runs(tmp_path)[folder].outcome.state == state
    assert run_in(folder).outcome.reason == (str(error) if error else "")


def test_a_run_that_is_stopped_has_failed(tmp_path: Path) -> None:
    """As by a signal, which is no error."""
    folder = new_run_folder(tmp_path, "p", datetime(2026, 11, 21, 12, tzinfo=UTC))
    with pytest.raises(SystemExit), recorded(folder, run_of(folder)):
        raise SystemExit(143)
    assert run_in(folder).outcome.reason == "It was stopped."
