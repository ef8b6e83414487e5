"""The folder of an MLflow model: its file `MLmodel` names the model's own file and its inputs."""

import json
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from model_store import files
from model_store.errors import ModelStoreError, RefusedError

MLMODEL = "MLmodel"
# The key of each flavour that holds the name of the model's own file; the safest first.
_FILES = {
    "onnx": ("data", "model.onnx"),
    "xgboost": ("data", "model.json"),
    "lightgbm": ("data", "model.lgb"),
    "catboost": ("data", "model.cb"),
    "sklearn": ("pickled_model", "model.pkl"),
}
_MOST_BYTES = 2**20


class Flavours(NamedTuple):
    """What `MLmodel` says."""

    file: Path
    types: dict[str, str]
    """The type of each input by its name, in order; empty where it has no signature."""


def read_flavours(folder: Path) -> Flavours:
    """Return the model's own file in a folder of MLflow, and the types of its inputs.

    Raises:
        RefusedError: it is damaged, or none of its flavours can be imported.
    """
    # Only an import of such a folder needs it.
    import yaml  # noqa: PLC0415

    try:
        found = yaml.safe_load(files.read(folder / MLMODEL, _MOST_BYTES))
        flavours: dict[str, Any] = dict(found["flavors"])
        signature = found.get("signature") or {}
        types = _types(signature.get("inputs"))
    except ModelStoreError:
        raise
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise RefusedError(f"{folder / MLMODEL} is damaged ({type(error).__name__}).") from error
    for flavour, (key, usual) in _FILES.items():
        if flavour in flavours:
            return Flavours(_inside(folder, flavours[flavour], key, usual), types)
    names = ", ".join(sorted(map(str, flavours)))
    raise RefusedError(
        f"{folder} is an MLflow model of {names}, and {', '.join(_FILES)} can be imported: save "
        "the model as one of these, for PyTorch and Keras as ONNX."
    )


def _inside(folder: Path, flavour: Any, key: str, usual: str) -> Path:
    """Return the path of a file that stands in the folder itself."""
    name = str((flavour or {}).get(key, usual))
    parts = PurePosixPath(name).parts
    path = folder.joinpath(*parts)
    if not parts or PurePosixPath(name).is_absolute() or {"..", "."} & set(parts):
        raise RefusedError(f"{folder / MLMODEL} names a file outside of its folder.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise RefusedError(f"{name} in {folder} is a link to somewhere else.")
    if not path.is_file():
        raise RefusedError(f"{folder} has no file {name}, which its {MLMODEL} names.")
    return path


def _types(inputs: Any) -> dict[str, str]:
    """Return the types of columns; nothing where the inputs are tensors without names."""
    listed = json.loads(inputs) if isinstance(inputs, str) else inputs or []
    if not all("name" in each and each.get("type") != "tensor" for each in listed):
        return {}
    return {str(each["name"]): str(each["type"]) for each in listed}
