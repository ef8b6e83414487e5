"""`mlops serve --data` checks a table by what the edited first notebook holds."""

import re
from pathlib import Path

import pytest

from tests.mixed_table import mixed_table
from tests.template.checkout_copy import Project

pytestmark = pytest.mark.slow  # the notebooks of a copy are exported, in processes of their own

CHECK = """
import sys
import re
from pathlib import Path
from mlops.commands.train_table import check_table
given = {"model": "houses", "target": "Label", "leave_out": "amount"}
check_table(Path("nowhere"), Path(sys.argv[1]), given)
"""


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table as people bring it."""
    path = tmp_path_factory.mktemp("houses") / "houses.csv"
    mixed_table(60, seed=0).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout to edit."""
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project(copied: Project) -> Project:
    """The same checkout as it was."""
    copied.git("checkout", "--quiet", ".")
    return copied


def test_any_function_of_the_first_notebook_may_have_another_name(
    project: Project, houses: Path
) -> None:
    """Only `prepare` is called; and what is called is what the notebook holds, not the module."""
    project.edit("00", ("transform(", "own_columns("), ("task_of", "kind_of_task"))
    done = project.python("-c", CHECK, str(houses))
    assert done.returncode == 0, done.stderr
    module = (project.root / "ml_pipe" / "data_etl.py").read_text()
    assert "def own_columns" in module
    assert "def transform" not in module


def test_a_rule_of_ones_own_is_heard(project: Project, houses: Path) -> None:
    """As soon as the notebook holds it."""
    project.edit("00", ("SMALLEST_TABLE = 20", "SMALLEST_TABLE = 2000"))
    done = project.python("-c", CHECK, str(houses))
    assert "TableError: 60 of the table's rows have a target, which is too few" in done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("SMALLEST_TABLE = 20", "SMALLEST_TABLE = ("), "cannot be exported: SyntaxError"),
        (
            ("targets = targets_of(parameters", "targets = targets_of(others"),
            "00_data_etl.ipynb cannot prepare .*houses.csv .NameError: name .others. is not",
        ),
    ],
)
def test_a_notebook_that_does_not_work_is_named(
    project: Project, houses: Path, change: tuple[str, str], sentence: str
) -> None:
    """In a sentence that says where to look."""
    project.edit("00", change)
    done = project.python("-c", CHECK, str(houses))
    (last,) = done.stderr.strip().splitlines()[-1:]
    assert last.startswith("ml_pipe.runner.errors.PipelineError: ")
    assert re.search(sentence, last)


def test_a_notebook_without_prepare_is_left_to_the_run(project: Project, houses: Path) -> None:
    """Somebody may have replaced it whole."""
    project.edit(
        "00", ("def prepare(", "def ready("), ("= prepare(", "= ready("), (" prepare(", " ready(")
    )
    done = project.python("-c", CHECK, str(houses))
    assert done.returncode == 0, done.stderr
