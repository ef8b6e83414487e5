"""What the estimator that the template ships makes of iris; a user's own makes something else."""

import pytest

from ml_pipe.runner.run.run_folder import RunReport
from tests.ml_pipe.conftest import iris, iris_run  # noqa: F401 - fixtures
from tests.ml_pipe.test_pipeline import loaded

pytestmark = pytest.mark.slow  # a whole run is made


def test_it_is_compiled_and_right_on_all_but_one(iris_run: RunReport) -> None:  # noqa: F811
    """On rows that training has not seen, 29 of 30 of each split or better."""
    model = loaded(iris_run)
    assert model.form == "compiled"
    assert "| accuracy | 1 | 1 ± 0.098 | 0.967 ± 0.058 | 0.333 |" in model.card
