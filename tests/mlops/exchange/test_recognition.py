"""What a file from elsewhere is, by its first bytes, and what to do with what is refused."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest

from mlops.exchange.files.pickled_names import names_in_pickle
from mlops.exchange.files.recognition import Form, recognised
from model_store.errors import RefusedError
from tests.mlops.exchange.graphs import line


def archive(*names: str) -> bytes:
    """Return a ZIP file with empty files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        for name in names:
            packed.writestr(name, b"")
    return held.getvalue()


KNOWN = {
    "graph.onnx": (line().SerializeToString(), Form.ONNX),
    "graph": (line().SerializeToString(), Form.ONNX),
    "model.skops": (archive("schema.json"), Form.SKOPS),
    "model.pkl": (pickle.dumps(1), Form.PICKLE),
    "any": (pickle.dumps(1), Form.PICKLE),
    "packed.joblib": (b"\x78\x9c rest", Form.PICKLE),
    "model.json": (b'{"learner": {}, "version": [3, 0, 0]}', Form.XGBOOST),
    "model.ubj": (b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{", Form.XGBOOST),
    "model.txt": (b"tree\nversion=v4\n", Form.LIGHTGBM),
    "model.cbm": (b"CBM1\x00", Form.CATBOOST),
}
REFUSED = {
    "model.pt": (archive("model/data.pkl", "model/version"), "PyTorch.*ONNX"),
    "model.keras": (archive("config.json", "model.weights.h5"), "Keras.*ONNX"),
    "weights.h5": (b"\x89HDF\r\n", "Keras"),
    "weights.safetensors": (b"\x40\0\0\0\0\0\0\0" + b'{"w":{"dtype":"F32"}}', "weights alone"),
    "pointer.onnx": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "small.tflite": (b"\x1c\0\0\0TFL3", "TensorFlow Lite"),
    "model.pmml": (b"<?xml version='1.0'?><PMML/>", "XML"),
    "old.model": (b"binf\x00", "old binary"),
    "table.csv": (b"a,b,y\n1,2,3\n", "of no kind"),
    "empty": (b"", "of no kind"),
    "other.json": (b'{"a": 1}', "no model of XGBoost"),
    "cut.json": (b'{"a": ', "begins as JSON"),
    "other.zip": (archive("readme.txt"), "something that cannot be"),
    "cut.zip": (b"PK\x03\x04", "damaged archive"),
    "packed.zip": (archive("model/MLmodel"), "unpack it"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_can_be_imported_is_known_by_its_bytes(name: str, tmp_path: Path) -> None:
    """Whatever it is called."""
    content, form = KNOWN[name]
    (tmp_path / name).write_bytes(content)
    assert recognised(tmp_path / name).form is form


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_what_to_do(name: str, tmp_path: Path) -> None:
    """Each by its own sentence."""
    content, sentence = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RefusedError, match=sentence):
        recognised(tmp_path / name)


MLMODEL = """
flavors:
  python_function: {loader_module: mlflow.sklearn}
  sklearn: {pickled_model: FILE, sklearn_version: 1.9.1}
signature:
  inputs: '[{"type": "double", "name": "b"}, {"type": "long", "name": "a"}]'
"""


def mlflow(tmp_path: Path, text: str = MLMODEL, name: str = "model.pkl") -> Path:
    """Write a folder of MLflow."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text(text.replace("FILE", name), "utf-8")
    (folder / "model.pkl").write_bytes(pickle.dumps(1))
    return folder


def test_a_folder_of_mlflow_names_its_file_and_its_columns(tmp_path: Path) -> None:
    """In the order in which the model takes them."""
    found = recognised(mlflow(tmp_path))
    assert (found.form, found.path.name) == (Form.PICKLE, "model.pkl")
    assert list(found.types.items()) == [("b", "double"), ("a", "long")]


@pytest.mark.parametrize("name", ["../outside.pkl", "/etc/passwd", "a/../../outside.pkl"])
def test_a_folder_of_mlflow_reaches_no_file_outside(tmp_path: Path, name: str) -> None:
    """Its MLmodel may come from anywhere."""
    (tmp_path / "outside.pkl").write_bytes(pickle.dumps(1))
    with pytest.raises(RefusedError, match="outside"):
        recognised(mlflow(tmp_path, name=name))


def test_a_link_in_a_folder_of_mlflow_leads_nowhere_else(tmp_path: Path) -> None:
    """Nor by another name."""
    folder = mlflow(tmp_path, name="link.pkl")
    (tmp_path / "outside.pkl").write_bytes(pickle.dumps(1))
    (folder / "link.pkl").symlink_to(tmp_path / "outside.pkl")
    with pytest.raises(RefusedError, match="link to somewhere else"):
        recognised(folder)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("flavors: {pytorch: {model_data: data}}", "MLflow model of pytorch.*ONNX"),
        ("flavors: [", "damaged"),
        ("no: flavours", "damaged"),
        ("flavors: {sklearn: {pickled_model: absent.pkl}}", "no file absent.pkl"),
    ],
)
def test_other_folders_of_mlflow_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    """What it holds, or what is wrong with it."""
    with pytest.raises(RefusedError, match=sentence):
        recognised(mlflow(tmp_path, text))


def test_a_pickle_is_shown_and_not_run() -> None:
    """The names that it would import."""
    assert names_in_pickle(b"cos\nsystem\n(S'echo'\ntR.") == ["os.system"]
    assert names_in_pickle(b"\x80\x05\xff") == ["... and what cannot be shown"]
