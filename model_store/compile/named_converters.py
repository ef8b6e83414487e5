"""Converters of classes that this package must not import: they are known by their full names.

An estimator then needs no method for a compiler, and whoever edits its class meets none.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from model_store.compile.converters.booster_converters import (
    booster_shape,
    convert_catboost,
    convert_lightgbm,
    convert_table_booster,
    convert_xgboost,
    parse_booster,
)
from model_store.compile.converters.date_converter import convert_date_parts, date_parts_shape
from model_store.compile.converters.untargeted_converters import (
    convert_clusters,
    convert_detector,
    detector_shape,
)

Convert = Callable[[Any, Any, Any], None]
"""Add a fitted step to a graph: scope, operator and container of skl2onnx."""


class NamedConverter(NamedTuple):
    """How a step becomes a part of a graph."""

    convert: Convert
    shape: Callable[[Any], None]
    """Set the types of the operator's outputs."""
    parse: Callable[..., Any] | None = None
    """Read the step, where skl2onnx does not know what it gives."""


def _boosters(converts: dict[str, Convert]) -> dict[str, NamedConverter]:
    return {
        f"{stem}{kind}": NamedConverter(convert, booster_shape, parse_booster)
        for stem, convert in converts.items()
        for kind in ("Classifier", "Regressor")
    }


NAMED = {
    "ml_pipe.model_class.DateParts": NamedConverter(convert_date_parts, date_parts_shape),
    "ml_pipe.runner.untargeted.detector.AnomalyDetector": NamedConverter(
        convert_detector, detector_shape, parse_booster
    ),
    **{
        f"sklearn.cluster._kmeans.{kind}": NamedConverter(
            convert_clusters, booster_shape, parse_booster
        )
        for kind in ("KMeans", "MiniBatchKMeans")
    },
    **_boosters(
        {
            "catboost.core.CatBoost": convert_catboost,
            "lightgbm.sklearn.LGBM": convert_lightgbm,
            "model_store.boosters.table_booster.Boosted": convert_table_booster,
            "xgboost.sklearn.XGB": convert_xgboost,
            "xgboost.sklearn.XGBRF": convert_xgboost,
        }
    ),
}
"""By module and class. Add a line for a class of your own; without one it is served uncompiled."""


def named_converters(estimator: Any) -> dict[type, NamedConverter]:
    """Return the converters of those parts of an estimator that are known by name, by class.

    A subclass is none of them: it may compute something else.
    """
    parts = [estimator]
    if hasattr(estimator, "get_params"):
        parts += estimator.get_params(deep=True).values()
    classes = {type(part) for part in parts}
    names = {each: f"{each.__module__}.{each.__qualname__}" for each in classes}
    return {each: NAMED[name] for each, name in names.items() if name in NAMED}
