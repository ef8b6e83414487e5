"""Running notebooks: order, parameters, what is kept, and what a failure reports and leaves."""

import json
from pathlib import Path

import pytest

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.notebook_run import CellError
from ml_pipe.runner.run.run_folder import RunReport
from ml_pipe.workflow import run_pipeline
from tests.ml_pipe.conftest import WriteNotebook
from tests.run_context import context_in

pytestmark = pytest.mark.slow  # each run starts a kernel a notebook


@pytest.fixture
def run(tmp_path: Path) -> "Run":
    """Run the pipeline that `write_notebook` wrote."""
    return Run(tmp_path)


class Run:
    """Runs the pipeline of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.local_data = folder / "data"

    def __call__(self, *, seconds: float = 60, **parameters: object) -> RunReport:
        """Run it, its cells limited to some seconds."""
        return self.given(parameters, seconds=seconds)

    def given(self, parameters: dict[str, object], *, seconds: float = 60) -> RunReport:
        """Run it with parameters of any name."""
        return run_pipeline(
            self.folder / "pipeline",
            parameters,
            context_in(self.local_data, cell_timeout_seconds=seconds, git_head="1a2b3c4"),
        )


def test_notebooks_run_in_order_with_the_parameters_that_each_declares(
    run: Run, write_notebook: WriteNotebook
) -> None:
    """A notebook gets what it declares, in the declared type, and nothing else."""
    write_notebook(
        "00_first.ipynb",
        "open(f'{run_folder}/note', 'w').write(f'{seed + 1} {git_head}')",
        parameters="seed: int = 7\nrun_folder: str = ''\ngit_head: str = ''",
    )
    write_notebook(
        "01_second.ipynb",
        "assert open(f'{run_folder}/note').read() == '12 1a2b3c4'\nassert 'seed' not in globals()",
        parameters="run_folder: str = ''",
    )
    write_notebook("03_workflow.ipynb", "raise AssertionError('never run by itself')")
    report = run(seed="11")
    assert report.version is None
    assert {path.name for path in report.folder.iterdir()} == {
        "00_first.ipynb",
        "01_second.ipynb",
        "figures",
        "note",
        "run.json",
    }
    assert json.loads((report.folder / "run.json").read_text())["parameters"]["seed"] == 11


def test_a_failing_cell_is_reported_and_its_executed_copy_kept(
    run: Run, write_notebook: WriteNotebook
) -> None:
    """The report names notebook, cell, first line and error; later notebooks do not run."""
    write_notebook(
        "00_fails.ipynb", "a = 1", "# why\nraise ValueError('no tea')", parameters="x: int = 1"
    )
    write_notebook("01_later.ipynb", "open('ran', 'w')")
    with pytest.raises(CellError) as caught:
        run(x=2)
    error = caught.value
    assert (error.notebook, error.cell, error.line, error.error, error.reason) == (
        "00_fails.ipynb",
        4,
        "raise ValueError('no tea')",
        "ValueError",
        "no tea",
    )
    assert "cell 4, `raise ValueError('no tea')`: ValueError: no tea. The" in str(error)
    assert json.loads((error.executed.parent / "run.json").read_text())["outcome"]["state"] == (
        "failed"
    )
    assert "no tea" in error.executed.read_text()
    assert str(error.executed) in str(error)
    assert not (run.folder / "pipeline" / "ran").exists()


def test_a_refusal_is_a_sentence_first(run: Run, write_notebook: WriteNotebook) -> None:
    """Where it was found out comes after it, and the run is refused, not failed."""
    lines = "from ml_pipe.runner.errors import AcceptanceError", "raise AcceptanceError('Too bad.')"
    write_notebook("00_refuses.ipynb", *lines)
    with pytest.raises(CellError) as caught:
        run()
    assert str(caught.value).startswith("Too bad. (00_refuses.ipynb, cell 2, `raise Acceptance")
    outcome = json.loads((caught.value.executed.parent / "run.json").read_text())["outcome"]
    assert (outcome["state"], outcome["reason"]) == ("refused", str(caught.value))


def test_a_killed_kernel_fails_the_run(run: Run, write_notebook: WriteNotebook) -> None:
    """It does not hang, and the cell is named."""
    write_notebook("00_dies.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(CellError, match="cell 1, `import os, signal`: its kernel died"):
        run()


def test_a_cell_over_its_time_limit_fails_the_run(run: Run, write_notebook: WriteNotebook) -> None:
    """It does not hang, and the cell is named."""
    write_notebook("00_waits.ipynb", "import threading", "threading.Event().wait()")
    with pytest.raises(CellError, match=r"cell 2, .* it took longer than 1 seconds"):
        run(seconds=1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sed": "1"}, 'There is no parameter "sed": the notebooks declare seed'),
        ({"seed": "x"}, 'The parameter "seed" must be int, as in seed=7'),
        ({"run_folder": "/"}, 'There is no parameter "run_folder"'),
        ({"x = 1; import os": "1"}, "There is no parameter"),
    ],
)
def test_other_parameters_are_refused_before_anything_runs(
    run: Run, write_notebook: WriteNotebook, given: dict[str, object], sentence: str
) -> None:
    """Names are a closed list, because papermill pastes them into code."""
    write_notebook("00_only.ipynb", parameters="seed: int = 7\nrun_folder: str = ''")
    with pytest.raises(PipelineError, match=sentence):
        run.given(given)
    assert not run.local_data.exists()


def test_paths_in_the_parameters_file_are_relative_to_it(
    run: Run, write_notebook: WriteNotebook
) -> None:
    """What a caller gives wins over the file."""
    path = write_notebook(
        "00_only.ipynb",
        "assert Path(data).read_text() == 'here' and seed == 3 and share == 0.5",
        parameters="data: Path | str = ''\nseed: int = 7\nshare: float | None = None",
    )
    path.with_name("table.csv").write_text("here")
    path.with_name("parameters.toml").write_text('data = "table.csv"\nseed = 5\nshare = 0.5')
    run(seed=3)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("seed = ", "cannot be read as TOML"), ("sed = 1", 'There is no parameter "sed"')],
)
def test_a_wrong_parameters_file_is_reported(
    run: Run, write_notebook: WriteNotebook, text: str, sentence: str
) -> None:
    """It is held to the same list as the command line."""
    path = write_notebook("00_only.ipynb", parameters="seed: int = 7")
    path.with_name("parameters.toml").write_text(text)
    with pytest.raises(PipelineError, match=sentence):
        run()


def test_a_folder_with_nothing_to_run_is_reported(run: Run) -> None:
    """Whether it is missing or empty."""
    with pytest.raises(PipelineError, match="There is no folder"):
        run()
    (run.folder / "pipeline").mkdir()
    with pytest.raises(PipelineError, match="neither numbered notebooks"):
        run()


def test_a_run_needs_a_folder_that_it_can_write(run: Run, write_notebook: WriteNotebook) -> None:
    """The sentence says what to do. A file in the way stands for a read-only disk."""
    write_notebook("00_only.ipynb", "pass")
    run.local_data.write_text("in the way")
    with pytest.raises(
        PipelineError, match=r"cannot be made .*: make .* writable, or set LOCAL_DATA"
    ):
        run()


def test_what_no_notebook_declares_may_still_be_given(
    run: Run, write_notebook: WriteNotebook
) -> None:
    """`-p setup=…` and its like reach `run.json`, from where `publish` takes them."""
    write_notebook("00_only.ipynb", "pass")
    report = run(setup="night", model_formats="skops,pickle", model_format="pickle")
    context = json.loads((report.folder / "run.json").read_text())["context"]
    assert (context["setup"], context["git_head"]) == ("night", "1a2b3c4")
    assert (context["model_format"], context["model_formats"]) == ("pickle", ["skops", "pickle"])
    with pytest.raises(PipelineError, match="cannot have this value"):
        run(model_format="joblib")


def test_a_notebook_finds_the_folder_of_its_run(run: Run, write_notebook: WriteNotebook) -> None:
    """It declares nothing for that; the folder's `run.json` knows the rest."""
    write_notebook(
        "00_only.ipynb",
        "from ml_pipe.runner.run.run_folder import current_folder, run_context",
        "(current_folder() / 'note').write_text(run_context().git_head)",
    )
    assert (run().folder / "note").read_text() == "1a2b3c4"
