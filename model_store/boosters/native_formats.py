"""Boosted trees in the formats of their own packages, which hold numbers and run no code."""

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from model_store.bundle import NATIVE_NAME


class Native(NamedTuple):
    """How trees of one kind are written and read."""

    ending: str
    module: str
    """The package."""
    write: Callable[[Any], bytes]
    read: Callable[[bytes, dict[str, Any]], Any]
    """Of a file and the parameters."""
    parameters: Callable[[Any], dict[str, Any]] = lambda _trees: {}
    """Those that the file does not bring back."""


def kind_of(part: Any) -> str:
    """Return the full name of a part's class."""
    return f"{type(part).__module__}.{type(part).__qualname__}"


def needed_modules(names: Iterable[str]) -> list[str]:
    """Return the modules that read what is of boosted trees among the files of a bundle."""
    modules = {each.ending: each.module for each in NATIVE.values()}
    endings = {name.rpartition(".")[2] for name in names if NATIVE_NAME.fullmatch(name)}
    return sorted(modules[each] for each in endings)


def _write_xgboost(booster: Any) -> bytes:
    return bytes(booster.save_raw(raw_format="json"))


def _read_xgboost(content: bytes, _parameters: dict[str, Any]) -> Any:
    booster = importlib.import_module("xgboost").Booster()
    booster.load_model(bytearray(content))
    return booster


def _write_lightgbm(booster: Any) -> bytes:
    # Up to the best round, where it stopped early: that is what it answers with.
    text: str = booster.model_to_string()
    return text.encode()


def _read_lightgbm(content: bytes, _parameters: dict[str, Any]) -> Any:
    return importlib.import_module("lightgbm").Booster(model_str=content.decode())


def _write_catboost(model: Any) -> bytes:
    import tempfile  # noqa: PLC0415 - only who publishes writes

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.cbm"
        model.save_model(str(file), format="cbm")
        return file.read_bytes()


def _read_catboost(kind: str) -> Callable[[bytes, dict[str, Any]], Any]:
    def read(content: bytes, parameters: dict[str, Any]) -> Any:
        model = getattr(importlib.import_module("catboost"), kind)(**parameters)
        return model.load_model(blob=content)

    return read


def _catboost_parameters(model: Any) -> dict[str, Any]:
    parameters: dict[str, Any] = model.get_params()
    return parameters


NATIVE = {
    "xgboost.core.Booster": Native("json", "xgboost", _write_xgboost, _read_xgboost),
    "lightgbm.basic.Booster": Native("txt", "lightgbm", _write_lightgbm, _read_lightgbm),
} | {
    f"catboost.core.{kind}": Native(
        "cbm", "catboost", _write_catboost, _read_catboost(kind), _catboost_parameters
    )
    for kind in ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")
}
"""By the full name of their class."""
