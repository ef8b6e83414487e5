"""Boosted trees of other packages: their names, as a run gives them, and the packages."""

import importlib
from collections.abc import Mapping
from typing import Any

from ml_pipe.runner.errors import TableError

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


def booster_package(name: str) -> Any:
    """Return the package of this name.

    Raises:
        TableError: it is not installed; the sentence says how it is.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TableError(
            f"The package {error.name or name} is not installed: `make boosters` brings LightGBM, "
            "XGBoost and CatBoost. `make add PACKAGE=...` adds one to your own packages, and so to "
            "the image: lightgbm, catboost, or xgboost, which is xgboost-cpu on Linux."
        ) from error
