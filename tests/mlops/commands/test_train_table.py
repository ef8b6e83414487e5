"""`mlops serve --data`: what is said of a table before anything is trained."""

from pathlib import Path

import pytest

from ml_pipe.runner.errors import PipelineError, TableError
from mlops.commands.train_table import check_table
from tests.mixed_table import mixed_table


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table as people bring it."""
    path = tmp_path_factory.mktemp("houses") / "houses.csv"
    mixed_table(60, seed=0).to_csv(path, index=False)
    return path


def test_a_table_that_can_be_trained_on_passes(houses: Path, tmp_path: Path) -> None:
    """With the texts that a command line has for parameters."""
    given = {"model": "houses", "target": "amount", "task": "", "leave_out": "Label, comment"}
    check_table(tmp_path, houses, given)


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        ({"target": "amonut"}, TableError, 'no column "amonut": it has amount'),
        ({"target": "built"}, TableError, "is a date"),
        ({"target": "amount", "seed": "x"}, PipelineError, 'parameter "seed" must be int'),
        ({"target": "amount", "sed": "1"}, PipelineError, 'no parameter "sed"'),
    ],
)
def test_what_is_wrong_is_said_at_once(
    houses: Path, tmp_path: Path, given: dict[str, str], error: type[Exception], sentence: str
) -> None:
    """By the first notebook's own sentence, before a kernel is started."""
    with pytest.raises(error, match=sentence):
        check_table(tmp_path, houses, {"model": "houses"} | given)
