"""What a file or a folder from elsewhere is, by its first bytes; nothing of it is run."""

import json
import zipfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from mlops.exchange.files.mlflow_folder import MLMODEL, read_flavours
from model_store.errors import RefusedError

_HEAD = 4096
_ONNX_EXPORT = "export it to ONNX where it was made"


class Form(StrEnum):
    """What can be imported, besides a bundle of our own."""

    ONNX = "onnx"
    SKOPS = "skops"
    PICKLE = "pickle"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    CATBOOST = "catboost"


class Found(NamedTuple):
    """A model's own file."""

    form: Form
    path: Path
    types: Mapping[str, str] = MappingProxyType({})
    """The type of each input, by name and in order, as MLflow names it; empty: unknown."""


# What is known by its first bytes, and what to do instead.
_REFUSED: tuple[tuple[bytes, int, str], ...] = (
    (b"version https://git-lfs", 0, "a pointer of Git LFS, not the file: run `git lfs pull`"),
    (b"\x89HDF", 0, f"a Keras model: {_ONNX_EXPORT} (`model.export(path, format='onnx')`)"),
    (b"TFL3", 4, "a TensorFlow Lite model: export the model to ONNX with tf2onnx"),
    (b"GGUF", 0, "a language model in GGUF: serve it with a server of its own"),
    (
        b"binf",
        0,
        "an XGBoost model in its old binary format: save it with save_model('model.json')",
    ),
    (b"<", 0, "XML, as PMML: export the model from where it was made as ONNX or skops"),
)
_PACKED = (b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x5d\x00", b"\x04\x22\x4d\x18")
_PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".sav", ".model", ".z", ".gz", ".bz2", ".xz"})
_NEWEST_PROTOCOL = 5


def recognised(path: Path) -> Found:
    """Return what a file or a folder is.

    Raises:
        RefusedError: it is nothing that can be imported; the sentence says what to do instead.
    """
    if path.is_dir():
        return _of_folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        form = _of_archive(path) if head.startswith(b"PK\x03\x04") else _by_head(head, path)
    except OSError as error:
        raise RefusedError(f"{path} cannot be read ({error.strerror}).") from error
    return Found(form, path)


def _of_folder(path: Path) -> Found:
    if (path / MLMODEL).is_file():
        flavours = read_flavours(path)
        found = recognised(flavours.file)
        return found._replace(types=flavours.types)
    if (path / "saved_model.pb").is_file():
        raise RefusedError(f"{path} is a TensorFlow SavedModel: export it to ONNX with tf2onnx.")
    graphs = sorted(path.glob("*.onnx"))
    if len(graphs) == 1:
        return recognised(graphs[0])
    raise RefusedError(
        f"{path} is no MLflow model, as it has no file MLmodel, and no exported version: give the "
        "model's own file."
    )


def _of_archive(path: Path) -> Form:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise RefusedError(f"{path} is a damaged archive ({error}).") from error
    if "schema.json" in names:
        return Form.SKOPS
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        raise RefusedError(
            f"{path} is a PyTorch model: {_ONNX_EXPORT} (`torch.onnx.export(model, example, "
            "'model.onnx', dynamic_shapes=...)`, with as many rows as wanted), and import that."
        )
    if "config.json" in names and any(name.endswith(".h5") for name in names):
        raise RefusedError(
            f"{path} is a Keras model: {_ONNX_EXPORT} (`model.export(path, format='onnx')`)."
        )
    if any(name.rpartition("/")[2] == MLMODEL for name in names):
        raise RefusedError(f"{path} is a packed MLflow model: unpack it, and import the folder.")
    raise RefusedError(f"{path} is an archive of something that cannot be imported.")


def _by_head(head: bytes, path: Path) -> Form:
    for start, at, what in _REFUSED:
        if head[at:].startswith(start):
            raise RefusedError(f"{path} is {what}.")
    if head.startswith(b"CBM1"):
        return Form.CATBOOST
    if head.startswith(b"tree\nversion="):
        return Form.LIGHTGBM
    if head.startswith(b"{"):
        return _of_json(head, path)
    if head[:1] == b"\x80" and 1 < head[1] <= _NEWEST_PROTOCOL:
        return Form.PICKLE
    suffix = path.suffix.lower()
    if suffix in _PICKLES and (head.startswith(_PACKED) or suffix in {".pkl", ".pickle"}):
        return Form.PICKLE
    if head[8:10] == b'{"' and b'"dtype"' in head:
        raise RefusedError(
            f"{path} holds weights alone (safetensors), and no model: {_ONNX_EXPORT}."
        )
    # A message of Protocol Buffers that begins with a small number, the version of the format.
    if suffix == ".onnx" or (head[:1] == b"\x08" and head[2:3] in {b"\x12", b"\x1a", b"\x3a"}):
        return Form.ONNX
    raise RefusedError(
        f"{path} is of no kind that can be imported: ONNX, skops, joblib or pickle, XGBoost "
        "(JSON), LightGBM (text), CatBoost (cbm), an MLflow folder, or what `mlops models export` "
        "made."
    )


def _of_json(head: bytes, path: Path) -> Form:
    # XGBoost's binary JSON has a letter and a length before a key.
    if b"learner" in head[:64]:
        return Form.XGBOOST
    try:
        keys = set(json.loads(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"{path} begins as JSON and is none ({error}).") from error
    if "learner" in keys:
        return Form.XGBOOST
    if "oblivious_trees" in keys or "model_info" in keys:
        raise RefusedError(f"{path} is a CatBoost model as JSON: save it as cbm, its default.")
    raise RefusedError(f"{path} is JSON and no model of XGBoost.")
