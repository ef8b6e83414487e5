"""A model from elsewhere becomes a version that answers, with all that a training would give it."""

import json
import pickle
from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_store.file_store import FileModelStore
from model_store.store import LoadPolicy
from tests.mlops.conftest import Mlops
from tests.mlops.exchange.examples import rows
from tests.mlops.exchange.graphs import convolution, save

pytestmark = pytest.mark.slow  # each imports in a process of its own, which loads in another one

TABLE = rows(120, ["width", "height"])
TRUTH = np.where(TABLE["width"] > TABLE["height"], "wide", "tall").astype(object)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a file of examples; a column more than the model takes, and in another order."""
    path = tmp_path / "examples.csv"
    TABLE[["height", "width"]].assign(remark="none", kind=TRUTH).to_csv(path, index=False)
    return path


def fitted(estimator: Any, *, by_name: bool = True) -> Any:
    """Return an estimator that learnt from a table, or from an array."""
    inputs = TABLE if by_name else TABLE.to_numpy()
    return estimator.fit(inputs, TRUTH)


def test_a_joblib_file_runs_only_with_approval(
    mlops: Mlops, local_data: Path, table: Path, tmp_path: Path
) -> None:
    """It is shown first; once imported it is sealed, compiled, and no pickle any more."""
    file = tmp_path / "Sheets v2.joblib"
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    joblib.dump(fitted(pipeline), file, compress=3)
    asked = mlops("models", "import", str(file), "--examples", str(table), "--target", "kind")
    assert asked.exit_code == 2
    assert "LogisticRegression" in asked.output
    assert "--approve" in asked.output
    assert not (local_data / "models").exists()
    done = mlops(
        "models", "import", str(file), "--examples", str(table), "--target", "kind", "--approve"
    )
    assert done.exit_code == 0, done.output
    for part in ("sheets-v2", "champion", "accuracy", "beaten", "Compiled"):
        assert part in done.output
    store = FileModelStore(local_data / "models", LoadPolicy())
    (version,) = store.versions("sheets-v2")
    manifest = store.manifest("sheets-v2", version)
    assert manifest.estimator == "skops"
    assert manifest.compiled is not None
    assert [column.name for column in manifest.signature.inputs] == ["width", "height"]
    assert "remark" in manifest.signature.ignored
    assert manifest.signature.outputs[0].categories == ("tall", "wide")
    assert {score.metric for score in manifest.scores} >= {"accuracy", "log_loss"}
    assert set(json.loads(store.reference("sheets-v2", version))) == {"width", "height", "kind"}
    assert "What it learnt from is not known" in store.card("sheets-v2", version)
    assert (local_data / "models" / "sheets-v2" / version / "seal.json").exists()
    assert mlops("models", "verify", "sheets-v2").exit_code == 0


def test_a_skops_file_of_known_types_needs_no_approval(
    mlops: Mlops, local_data: Path, tmp_path: Path
) -> None:
    """It learnt from an array, so that the examples' order counts; a pickle never runs for it."""
    table = tmp_path / "examples.csv"
    TABLE.assign(kind=TRUTH).to_csv(table, index=False)
    file = tmp_path / "sheets.skops"
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    skops.io.dump(fitted(pipeline, by_name=False), file)
    done = mlops("models", "import", str(file), "--target", "kind", "--examples", str(table))
    assert done.exit_code == 0, done.output
    store = FileModelStore(local_data / "models", LoadPolicy())
    (version,) = store.versions("sheets")
    assert not (local_data / "models" / "sheets" / version / "seal.json").exists()
    # The compiled form needs no seal, and is what a service loads.
    loaded = store.load("sheets", version)
    assert loaded.form == "compiled"
    columns = {name: TABLE[name].to_numpy() for name in TABLE.columns}
    (answered,), _ = loaded.predictor.predict(columns)
    assert (answered == pipeline.predict(TABLE.to_numpy())).all()
    store.close()


def test_a_graph_is_served_as_it_came(mlops: Mlops, local_data: Path, tmp_path: Path) -> None:
    """A convolution; its version has no estimator, and needs no seal."""
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4)).astype("uint8")
    right = images[:, :, 2:].sum((1, 2)) > images[:, :, :2].sum((1, 2))
    table = tmp_path / "pictures.npz"
    np.savez(table, image=images, right=right.astype(int))
    file = save(convolution(), tmp_path / "bright.onnx")
    arguments = ("models", "import", str(file), "--examples", str(table), "--target", "right")
    done = mlops(*arguments)
    assert done.exit_code == 0, done.output
    store = FileModelStore(local_data / "models", LoadPolicy())
    (version,) = store.versions("bright")
    manifest = store.manifest("bright", version)
    assert (manifest.estimator, manifest.task) == ("onnx", "classification")
    assert {file.name for file in manifest.files} == {
        "model.onnx",
        "golden.json",
        "reference.json",
        "card.md",
    }
    loaded = store.load("bright", version)
    (column,) = manifest.signature.inputs
    assert (column.kind, column.shape, column.dtype) == ("array", (4, 4), "uint8")
    sent = loaded.decoder.decode(msgspec.json.encode([{"image": i.tolist()} for i in images]))
    (answered,), _ = loaded.predictor.predict(loaded.decoder.columns([sent]))
    assert answered.tolist() == right.astype(int).tolist()
    store.close()
    # It goes to another machine like any other.
    packed = tmp_path / "packed.zip"
    assert mlops("models", "export", "bright", "-o", str(packed)).exit_code == 0
    # A second version waits, as there is a champion.
    waits = mlops(*arguments, "--scores", "logits")
    assert waits.exit_code == 0, waits.output
    assert f"champion stays {version}" in waits.output


def test_a_folder_of_mlflow_is_imported_by_its_own_columns(
    mlops: Mlops, local_data: Path, table: Path, tmp_path: Path
) -> None:
    """It learnt from an array, and MLflow knows the names; by neighbours it is not compiled."""
    folder = tmp_path / "sheets"
    folder.mkdir()
    model = fitted(KNeighborsClassifier(), by_name=False)
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    (folder / "MLmodel").write_text(
        "flavors:\n  sklearn: {pickled_model: model.pkl}\nsignature:\n  inputs: "
        """'[{"type": "double", "name": "width"}, {"type": "double", "name": "height"}]'\n""",
        "utf-8",
    )
    done = mlops(
        "models", "import", str(folder), "--examples", str(table), "--target", "kind", "--approve"
    )
    assert done.exit_code == 0, done.output
    store = FileModelStore(local_data / "models", LoadPolicy())
    (version,) = store.versions("sheets")
    manifest = store.manifest("sheets", version)
    assert [column.name for column in manifest.signature.inputs] == ["width", "height"]
    assert manifest.not_compiled
    # Approved, so that it is sealed, and a service answers by it.
    assert mlops("models", "verify", "sheets").exit_code == 0


def test_how_a_wrong_call_is_answered(mlops: Mlops, tmp_path: Path) -> None:
    """It names what is missing."""
    file = save(convolution(), tmp_path / "bright.onnx")
    assert mlops("models", "import", str(tmp_path / "absent")).exit_code == 3
    missing = mlops("models", "import", str(file))
    assert missing.exit_code == 2
    assert "--examples" in missing.output
    absent = mlops("models", "import", str(file), "--examples", "absent.csv", "--target", "y")
    assert absent.exit_code == 3
