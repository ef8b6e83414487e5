"""Which model a run of a pipeline's folder publishes."""

from pathlib import Path

from ml_pipe.runner.run.pipeline import Pipeline


def test_another_table_keeps_the_model_of_its_folder(tmp_path: Path) -> None:
    """`mlops train examples/iris -p data=newer.csv` is another version of iris."""
    (tmp_path / "parameters.toml").write_text('data = "Wine list.csv"\ntarget = "kind"\n')
    pipeline = Pipeline.read(tmp_path)
    assert pipeline.values({})["model"] == "wine-list"
    assert pipeline.values({"data": "newer.csv"})["model"] == "wine-list"
    assert pipeline.values({"data": "newer.csv", "model": "mine"})["model"] == "mine"


def test_a_folder_without_a_table_names_no_model(tmp_path: Path) -> None:
    """The table that a run is given does."""
    (tmp_path / "parameters.toml").write_text('target = "kind"\n')
    assert "model" not in Pipeline.read(tmp_path).values({"data": "newer.csv"})
