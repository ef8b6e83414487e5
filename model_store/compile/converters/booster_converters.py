"""Boosted trees of LightGBM, XGBoost and CatBoost as ONNX graphs, each in its own precision.

LightGBM computes in doubles. XGBoost computes in singles throughout, and so does its graph.
CatBoost compares singles and adds doubles.
"""

from typing import Any

import numpy as np
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType, StringTensorType

from model_store.compile.converters.catboost_trees import read_catboost
from model_store.compile.converters.lightgbm_trees import read_lightgbm
from model_store.compile.converters.tree_ensemble import boosted
from model_store.compile.converters.xgboost_trees import read_xgboost
from model_store.compile.onnx_graph import (
    DOUBLE,
    FLOAT,
    INT64,
    ML_DOMAIN,
    Graph,
    NotCompilableError,
)

_PLAIN = {
    "lightgbm": {"regression", "regression_l1", "huber", "fair", "quantile", "mape"},
    "xgboost": {
        "reg:absoluteerror",
        "reg:pseudohubererror",
        "reg:quantileerror",
        "reg:squarederror",
        "reg:squaredlogerror",
    },
    "catboost": {"Huber", "MAE", "MAPE", "Quantile", "RMSE"},
}
"""Objectives whose sums are the answers."""
_LOG_LINK = {
    "lightgbm": {"gamma", "poisson", "tweedie"},
    "xgboost": {"count:poisson", "reg:gamma", "reg:tweedie"},
    "catboost": {"Poisson", "Tweedie"},
}
"""Objectives whose sums are the logarithms of the answers."""


def convert_lightgbm(scope: Any, operator: Any, container: Any) -> None:
    """Convert a model of LightGBM: of doubles throughout."""
    graph = Graph(scope, operator, container)
    model = fitted(graph.step)
    found = read_lightgbm(model.booster_)
    rows = _cut(graph, graph.doubles(), found.categories, model.n_features_in_)
    raw = boosted(graph, rows, found.trees, np.zeros(found.targets))
    if found.is_mean:
        rounds = len(found.trees) // found.targets
        raw = graph.node("Div", raw, graph.constant(np.float64(rounds)))
    if not hasattr(model, "classes_"):
        if "sqrt" in found.options:
            raise NotCompilableError("It learns the square root of the target (reg_sqrt).")
        _finish_values(graph, raw, found.objective, "lightgbm")
    elif found.objective == "binary":
        slope = graph.constant(float(found.options.get("sigmoid", "1")))
        share = graph.node("Sigmoid", graph.node("Mul", raw, slope))
        _finish_shares(graph, _of_both(graph, share, np.float64(1)))
    elif found.objective == "multiclass":
        _finish_shares(graph, graph.node("Softmax", raw, axis=1))
    else:
        raise NotCompilableError(f"Its objective is {found.objective}.")


def convert_xgboost(scope: Any, operator: Any, container: Any) -> None:
    """Convert a model of XGBoost: of singles throughout."""
    graph = Graph(scope, operator, container)
    model = fitted(graph.step)
    found = read_xgboost(model.get_booster())
    rows = graph.cast(graph.doubles(), FLOAT)
    missing = np.nan if model.missing is None else model.missing
    if not np.isnan(missing):
        gap = graph.node("Equal", rows, graph.constant(np.float32(missing)))
        rows = graph.node("Where", gap, graph.constant(np.float32(np.nan)), rows)
    raw = boosted(graph, rows, found.trees, found.baseline, np.float32)
    raw = graph.cast(raw, DOUBLE)
    if not hasattr(model, "classes_"):
        if found.objective == "reg:logistic":
            graph.finish(graph.cast(graph.cast(graph.node("Sigmoid", raw), FLOAT), DOUBLE))
        else:
            _finish_values(graph, raw, found.objective, "xgboost")
    elif found.objective == "binary:logistic" and len(found.baseline) == 1:
        share = graph.cast(graph.node("Sigmoid", raw), FLOAT)
        # Half a chance is none yet, as it is of the first of two equal ones.
        _finish_shares(graph, graph.cast(_of_both(graph, share, np.float32(1)), DOUBLE))
    elif found.objective == "multi:softprob":
        shares = graph.cast(graph.node("Softmax", raw, axis=1), FLOAT)
        _finish_shares(graph, graph.cast(shares, DOUBLE))
    else:
        raise NotCompilableError(f"Its objective is {found.objective}.")


def convert_catboost(scope: Any, operator: Any, container: Any) -> None:
    """Convert a model of CatBoost: of single inputs, adding doubles."""
    graph = Graph(scope, operator, container)
    model = fitted(graph.step)
    found = read_catboost(model)
    rows = graph.cast(graph.cast(graph.doubles(), FLOAT), DOUBLE)
    raw = boosted(graph, rows, found.trees, found.baseline)
    if not hasattr(model, "predict_proba"):
        _finish_values(graph, raw, found.loss, "catboost")
    elif found.loss in {"Logloss", "CrossEntropy"} and len(found.baseline) == 1:
        share = graph.node("Sigmoid", raw)
        _finish_shares(graph, _of_both(graph, share, np.float64(1)))
    elif found.loss == "MultiClass":
        _finish_shares(graph, graph.node("Softmax", raw, axis=1))
    else:
        raise NotCompilableError(f"Its loss is {found.loss}.")


def convert_table_booster(scope: Any, operator: Any, container: Any) -> None:
    """Convert a model of ours that stands around one of a package."""
    convert = {
        "catboost": convert_catboost,
        "lightgbm": convert_lightgbm,
        "xgboost": convert_xgboost,
    }
    package = type(fitted(operator.raw_operator)).__module__.partition(".")[0]
    if package not in convert:
        raise NotCompilableError(f"It boosts by {package}, which has no converter.")
    convert[package](scope, operator, container)


def booster_shape(operator: Any) -> None:
    """Declare to skl2onnx what a model of boosted trees gives."""
    model = operator.raw_operator
    if not hasattr(model, "predict_proba"):
        operator.outputs[0].type = DoubleTensorType([None, getattr(model, "n_outputs_", 1)])
        return
    classes = np.asarray(model.classes_)
    is_text = classes.dtype.kind in "OSU"
    operator.outputs[0].type = (StringTensorType if is_text else Int64TensorType)([None])
    operator.outputs[1].type = DoubleTensorType([None, len(classes)])


def parse_booster(scope: Any, model: Any, inputs: list[Any], custom_parsers: object = None) -> Any:  # noqa: ARG001 - as skl2onnx asks
    """Read a model that skl2onnx may not know for a classifier."""
    operator = scope.declare_local_operator(type(model).__name__, model)
    operator.inputs = inputs
    if hasattr(model, "predict_proba"):
        named = [("label", Int64TensorType()), ("probabilities", DoubleTensorType())]
    else:
        named = [("variable", DoubleTensorType())]
    for name, kind in named:
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def fitted(step: Any) -> Any:
    """Return the model of boosted trees itself, where ours stands around it."""
    return getattr(step, "estimator_", step)


def _cut(graph: Graph, rows: str, columns: tuple[int, ...], width: int) -> str:
    """Return rows whose categories are whole numbers, as LightGBM makes them: cut, not rounded."""
    if not columns:
        return rows
    size = graph.node("Floor", graph.node("Abs", rows))
    whole = graph.node("Mul", graph.node("Sign", rows), size)
    is_category = graph.constant(np.isin(np.arange(width), columns).reshape(1, -1))
    return graph.node("Where", is_category, whole, rows)


def _finish_values(graph: Graph, raw: str, objective: str, package: str) -> None:
    if objective in _LOG_LINK[package]:
        graph.finish(graph.node("Exp", raw))
    elif objective in _PLAIN[package]:
        graph.finish(raw)
    else:
        raise NotCompilableError(f"Its objective is {objective}.")


def _of_both(graph: Graph, share: str, one: np.floating[Any]) -> str:
    """Return the probabilities of two labels, `(rows, 2)`, from that of the second."""
    return graph.node("Concat", graph.node("Sub", graph.constant(one), share), share, axis=1)


def _finish_shares(graph: Graph, shares: str) -> None:
    """End with the label of the greatest share, the first of several, and with the shares."""
    index = graph.node("ArgMax", shares, axis=1, keepdims=0)
    classes = np.asarray(graph.step.classes_)
    if classes.dtype.kind == "b" or np.array_equal(classes, np.arange(len(classes))):
        graph.finish(graph.cast(index, INT64), shares)
        return
    labels = (
        {"values_strings": [str(each) for each in classes], "default_string": ""}
        if classes.dtype.kind in "OSU"
        else {"values_int64s": classes.astype(np.int64).tolist(), "default_int64": -1}
    )
    places = list(range(len(classes)))
    label = graph.node("LabelEncoder", index, domain=ML_DOMAIN, keys_int64s=places, **labels)
    graph.finish(label, shares)
