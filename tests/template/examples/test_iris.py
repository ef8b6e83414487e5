"""The iris example: its table, its request, and the pipeline on one page."""

import json
from pathlib import Path

import pandas as pd
import pytest

from ml_pipe.runner.run.notebook_run import run_notebook
from model_store.file_store import FileModelStore
from model_store.store import LoadPolicy

IRIS = Path(__file__).parents[3] / "examples" / "iris"


def test_the_table_is_the_well_known_one() -> None:
    """150 flowers, 50 of each variety."""
    table = pd.read_csv(IRIS / "iris.csv")
    assert list(table) == ["sepal_length", "sepal_width", "petal_length", "petal_width", "variety"]
    counts = table["variety"].value_counts().to_dict()
    assert counts == {"Setosa": 50, "Versicolor": 50, "Virginica": 50}
    means = table.drop(columns="variety").mean().round(3).tolist()
    assert means == [5.843, 3.057, 3.758, 1.199]


def test_the_readme_shows_the_answer_and_names_files_that_exist() -> None:
    """What a newcomer reads is what there is."""
    readme = (IRIS / "README.md").read_text()
    answer = (IRIS / "answer.json").read_text().strip()
    assert answer in readme
    assert len(json.loads(answer)) == len(json.loads((IRIS / "request.json").read_text()))
    assert all(f"`{path.name}`" in readme for path in IRIS.iterdir() if path.suffix != ".md")


@pytest.mark.slow  # a whole run, on one page
def test_the_single_notebook_runs_by_itself(tmp_path: Path) -> None:
    """It publishes a version, moves no alias, and asserts its own answer."""
    name = "iris_in_one_notebook.ipynb"
    parameters = {"local_data": str(tmp_path)}
    run_notebook(
        IRIS / name,
        tmp_path / name,
        parameters,
        cell_timeout_seconds=60,
        on_phase=lambda _: None,
    )
    store = FileModelStore(tmp_path / "models", LoadPolicy())
    assert len(store.versions("iris")) == 1
    assert store.aliases("iris").current == {}
