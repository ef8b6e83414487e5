"""Boosted trees of other packages: their names, as a run gives them, and the packages."""

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

from ml_pipe.runner.errors import PipelineError, TableError

BOOSTERS = ("lightgbm", "xgboost", "catboost")
"""Each is a candidate of 01_model_class, by the name of its package."""


def with_booster(given: Mapping[str, object]) -> dict[str, object]:
    """Return parameters in which `model=lightgbm` is read as what it says: `booster=lightgbm`.

    `model` is the model's name otherwise; whoever names a booster too has said which is which.
    """
    parameters = dict(given)
    if parameters.get("model") in BOOSTERS and not parameters.get("booster"):
        parameters["booster"] = parameters.pop("model")
    return parameters


def check_installed(values: Mapping[str, object]) -> None:
    """See that the packages are there that a run asks for, before anything is trained.

    Raises:
        PipelineError: one is not; the sentence says how it is installed.
    """
    candidates = values.get("candidates")
    asked = [values.get("booster"), *(candidates if isinstance(candidates, list) else [])]
    for name in BOOSTERS:
        if name in asked and importlib.util.find_spec(name) is None:
            raise PipelineError(_not_installed(name))


def booster_package(name: str) -> Any:
    """Return the package of this name.

    Raises:
        TableError: it is not installed; the sentence says how it is.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TableError(_not_installed(error.name or name)) from error


def _not_installed(name: str) -> str:
    own = "xgboost-cpu (elsewhere than on Linux: xgboost)" if name == "xgboost" else name
    return (
        f"The package {name} is not installed: `make boosters` installs LightGBM, XGBoost and "
        f"CatBoost. For the image, too, add it to your own packages: `make add PACKAGE=...`, {own}."
    )
