"""One fitted step as an ONNX graph: skl2onnx, and converters of ours where it is inexact."""

import warnings
from collections.abc import Sequence
from typing import Any

import onnx
from onnx import TensorProto
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx._parse import _parse_sklearn_simple_model
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType, StringTensorType
from sklearn import ensemble, impute, linear_model, neighbors, preprocessing, svm, tree
from sklearn.compose import ColumnTransformer

from model_store.compile.assembly import OPSET
from model_store.compile.converters.column_converters import (
    convert_encoder,
    convert_imputer,
    convert_scaler,
)
from model_store.compile.converters.linear_converters import convert_linear_classifier
from model_store.compile.converters.tree_converters import (
    convert_forest,
    convert_gradient_boosting,
    convert_histogram_boosting,
)
from model_store.compile.feed import MOMENTS, NUMBERS, TEXTS
from model_store.compile.named_converters import Convert, named_converters
from model_store.compile.onnx_graph import ML_DOMAIN, OURS, NotCompilableError


def _refuse_neighbors(_scope: Any, _operator: Any, _container: Any) -> None:
    raise NotCompilableError(
        "Neighbours at nearly the same distance may come in another order when it is compiled."
    )


_CONVERTERS: dict[Any, Convert] = {
    ensemble.ExtraTreesClassifier: convert_forest,
    ensemble.ExtraTreesRegressor: convert_forest,
    ensemble.GradientBoostingClassifier: convert_gradient_boosting,
    ensemble.GradientBoostingRegressor: convert_gradient_boosting,
    ensemble.HistGradientBoostingClassifier: convert_histogram_boosting,
    ensemble.HistGradientBoostingRegressor: convert_histogram_boosting,
    ensemble.RandomForestClassifier: convert_forest,
    ensemble.RandomForestRegressor: convert_forest,
    impute.SimpleImputer: convert_imputer,
    linear_model.LogisticRegression: convert_linear_classifier,
    linear_model.LogisticRegressionCV: convert_linear_classifier,
    linear_model.Perceptron: convert_linear_classifier,
    linear_model.RidgeClassifier: convert_linear_classifier,
    linear_model.RidgeClassifierCV: convert_linear_classifier,
    neighbors.KNeighborsClassifier: _refuse_neighbors,
    neighbors.KNeighborsRegressor: _refuse_neighbors,
    preprocessing.MaxAbsScaler: convert_scaler,
    preprocessing.MinMaxScaler: convert_scaler,
    preprocessing.OneHotEncoder: convert_encoder,
    preprocessing.OrdinalEncoder: convert_encoder,
    preprocessing.RobustScaler: convert_scaler,
    preprocessing.StandardScaler: convert_scaler,
    svm.LinearSVC: convert_linear_classifier,
    tree.DecisionTreeClassifier: convert_forest,
    tree.DecisionTreeRegressor: convert_forest,
    tree.ExtraTreeClassifier: convert_forest,
    tree.ExtraTreeRegressor: convert_forest,
}
_NO_PROBABILITIES = (
    linear_model.Perceptron,
    linear_model.RidgeClassifier,
    linear_model.RidgeClassifierCV,
    linear_model.SGDClassifier,
    svm.LinearSVC,
    svm.SVC,
)
# The operators of that domain that compute nothing.
_EXACT_ML = {"ArrayFeatureExtractor", "LabelEncoder"}
_TYPES = {NUMBERS: DoubleTensorType, TEXTS: StringTensorType, MOMENTS: Int64TensorType}
ENCODERS = (preprocessing.OneHotEncoder, preprocessing.OrdinalEncoder)
"""They look at each column by itself, so that one may take columns of several kinds."""


def convert_step(
    step: Any, inputs: Sequence[tuple[str, int]], *, probabilities: bool = False
) -> onnx.ModelProto:
    """Return a fitted step as a graph.

    Args:
        step: fitted; no composition of others that select columns by themselves.
        inputs: kind and width of each tensor that it takes.
        probabilities: whether it is a classifier whose probabilities are asked for.

    Raises:
        NotCompilableError: it has no exact compiled form; whatever a converter raises comes
            through too.
    """
    _check_inner(step)
    named = named_converters(step)
    for kind, own in named.items():
        if own.parse:
            # Votes and their like look for their members in skl2onnx's own list.
            update_registered_converter(
                kind, f"Ours{kind.__name__}", own.shape, own.convert, parser=own.parse
            )
    has_options = probabilities and type(step) not in named
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: onnx.ModelProto = convert_sklearn(
            step,
            name="step",
            initial_types=[
                (f"input_{place}", _TYPES[kind]([None, width]))
                for place, (kind, width) in enumerate(inputs)
            ],
            # Other parts of the estimator have no labels, and boosted trees no options.
            options={id(step): {"zipmap": False}} if has_options else None,
            target_opset=OPSET,
            custom_conversion_functions=_CONVERTERS | {k: own.convert for k, own in named.items()},
            custom_parsers=dict.fromkeys(_NO_PROBABILITIES, _parsed)
            | {kind: own.parse for kind, own in named.items() if own.parse},
            custom_shape_calculators=dict.fromkeys(_CONVERTERS, _shapes)
            | {k: own.shape for k, own in named.items()},
        )
    _check_precision(model.graph)
    return model


def _check_inner(step: Any) -> None:
    """See that a step of others, such as a vote, leaves the columns as they are."""
    parts = step.get_params(deep=True).values() if hasattr(step, "get_params") else ()
    if any(isinstance(part, ColumnTransformer) for part in parts):
        raise NotCompilableError(
            "It holds a ColumnTransformer, which is compiled only outside of it: put the "
            "ColumnTransformer before it, in a Pipeline."
        )


def _shapes(operator: Any) -> None:
    """Declare to skl2onnx the outputs of a step that we convert."""
    step = operator.raw_operator
    if hasattr(step, "classes_"):
        operator.outputs[0].type = Int64TensorType([None])
        operator.outputs[1].type = DoubleTensorType([None, len(step.classes_)])
        return
    if hasattr(step, "predict"):
        width = getattr(step, "n_outputs_", 1)
    else:
        names = [f"x{place}" for place in range(step.n_features_in_)]
        width = len(step.get_feature_names_out(getattr(step, "feature_names_in_", names)))
    is_text = isinstance(operator.inputs[0].type, StringTensorType)
    kind = (
        StringTensorType if is_text and isinstance(step, impute.SimpleImputer) else DoubleTensorType
    )
    operator.outputs[0].type = kind([None, width])


def _parsed(scope: Any, model: Any, inputs: list[Any], custom_parsers: object = None) -> Any:  # noqa: ARG001 - as skl2onnx asks
    """Read a classifier without the dictionaries that skl2onnx ends this one with."""
    return _parse_sklearn_simple_model(scope, model, inputs)


def _check_precision(graph: onnx.GraphProto) -> None:
    """See that nothing is computed in single precision, but where our converters mean it.

    Such a graph would answer made-up rows alike, and others not: those beside a threshold.
    """
    constants = {tensor.name: tensor.data_type for tensor in graph.initializer}
    for node in graph.node:
        if node.name.startswith(OURS):
            continue
        kinds = {a.i for a in node.attribute if node.op_type == "Cast" and a.name == "to"}
        kinds |= {constants.get(name) for name in node.input}
        is_single = TensorProto.FLOAT in kinds
        if is_single or (node.domain == ML_DOMAIN and node.op_type not in _EXACT_ML):
            raise NotCompilableError(
                f"skl2onnx computes a part of it in single precision ({node.op_type})."
            )
