"""One real run of the iris example for all tests, and pipelines of a few cells."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from ml_pipe.runner.run.run_folder import RunReport
from ml_pipe.workflow import run_pipeline
from tests.iris_example import iris_example
from tests.run_context import context_in

WriteNotebook = Callable[..., Path]


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small example."""
    return iris_example(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="session")
def iris_run(iris: Path, tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    """What came of `mlops train` on that example, in a store of its own."""
    local_data = tmp_path_factory.mktemp("iris")
    known = {"git_branch": "main", "git_head": "1a2b3c4", "setup": "setup-1a"}
    return run_pipeline(iris, {}, context_in(local_data, **known))


@pytest.fixture
def write_notebook(tmp_path: Path) -> WriteNotebook:
    """Write a notebook into the folder `pipeline`: its parameters cell, if any, and other cells."""

    def write(name: str, *sources: str, parameters: str = "") -> Path:
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        if parameters:
            tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
            cells[:0] = [nbformat.v4.new_code_cell("from pathlib import Path"), tagged]
        path = tmp_path / "pipeline" / name
        path.parent.mkdir(exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path

    return write
