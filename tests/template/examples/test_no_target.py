"""The example without a target: from its table to answers, for both of its tasks."""

from pathlib import Path

import msgspec
import pandas as pd
import pytest

from ml_pipe.runner.run.pipeline import Pipeline
from ml_pipe.workflow import run_pipeline
from model_store.file_store import FileModelStore
from model_store.schema.prediction import answers
from model_store.seals.publishers import FOLDER, PublisherFolder
from model_store.store import LoadPolicy
from settings.model_settings import TRUSTED_TYPES
from tests.run_context import context_in

EXAMPLE = Path(__file__).parents[3] / "examples" / "no_target"
USUAL = {"kind": "small", "load": 0.5, "pressure": 3.5, "temperature": 50.0, "vibration": 0.9}
ODD = USUAL | {"pressure": 1.0, "temperature": 95.0, "load": 0.9}


def answered(local_data: Path, model: str) -> tuple[FileModelStore, list[dict[str, object]]]:
    """Return the answers of a model's champion to a usual row and an odd one."""
    publishers = PublisherFolder(local_data / "secrets" / FOLDER)
    policy = LoadPolicy(trusted_types=TRUSTED_TYPES, publishers=publishers)
    store = FileModelStore(local_data / "models", policy)
    loaded = store.load(model, store.aliases(model).current["champion"])
    assert loaded.form == "compiled"
    rows = loaded.decoder.decode(msgspec.json.encode([USUAL, ODD]))
    prediction = loaded.predictor.predict(loaded.decoder.columns([rows]))
    store.close()
    return store, answers(prediction, loaded.manifest.signature)


def test_the_readme_names_what_is_there() -> None:
    """Its files, its columns, and the parameters that it shows."""
    readme = (EXAMPLE / "README.md").read_text("utf-8")
    assert all(f"`{path.name}`" in readme for path in EXAMPLE.iterdir() if path.suffix != ".md")
    (declared,) = Pipeline.read(EXAMPLE).declarations.values()
    assert {"share", "clusters", "task", "data", "leave_out"} <= set(declared)
    table = pd.read_csv(EXAMPLE / "pumps.csv")
    assert list(table) == ["kind", "load", "pressure", "temperature", "vibration"]
    assert len(table) == 300


@pytest.mark.slow  # a whole run
def test_unusual_rows_are_found(tmp_path: Path) -> None:
    """It is the champion, has a reference of both answers, and knows an odd row."""
    run_pipeline(EXAMPLE, {}, context_in(tmp_path))
    store, (usual, odd) = answered(tmp_path, "pumps")
    assert usual["anomaly"] is False
    assert odd["anomaly"] is True
    assert usual["anomaly_score"] < 0.9 < odd["anomaly_score"]  # type: ignore[operator]
    version = store.aliases("pumps").current["champion"]
    reference = msgspec.json.decode(store.reference("pumps", version))
    assert reference["anomaly"]["kind"] == "boolean"
    assert reference["anomaly_score"]["kind"] == "number"
    assert store.manifest("pumps", version).task == "anomaly-detection"
    assert "An anomaly-detection that predicts `anomaly`" in store.card("pumps", version)
    reason = store.aliases("pumps").history[-1].reason
    assert "AUC of made-up rows" in reason


@pytest.mark.slow  # a whole run
def test_groups_are_found(tmp_path: Path) -> None:
    """As many as were asked for; its answers are whole numbers."""
    given = {"task": "clustering", "model": "pump-groups", "clusters": "2"}
    run_pipeline(EXAMPLE, given, context_in(tmp_path))
    _, (usual, odd) = answered(tmp_path, "pump-groups")
    assert {type(usual["cluster"]), type(odd["cluster"])} == {int}
    assert {usual["cluster"], odd["cluster"]} <= {0, 1}
