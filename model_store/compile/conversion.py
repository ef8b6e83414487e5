"""From a fitted estimator to an ONNX graph: skl2onnx, and converters of ours where it is inexact.

It imports all that training needs: see `model_store.compile.compiling`.
"""

import contextlib
import copy
import warnings
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx._parse import _parse_sklearn_simple_model
from skl2onnx.common.data_types import (
    DoubleTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn import ensemble, impute, linear_model, neighbors, preprocessing, svm, tree
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline

from model_store.compile.column_converters import (
    convert_encoder,
    convert_imputer,
    convert_scaler,
)
from model_store.compile.linear_converters import convert_linear_classifier
from model_store.compile.named_converters import Convert, named_converters
from model_store.compile.onnx_graph import ML_DOMAIN, OURS, NotCompilableError
from model_store.compile.onnx_predictor import (
    LABELS,
    MOMENTS,
    NUMBERS,
    PROBABILITIES,
    TEXTS,
    VALUES,
    inputs_of,
)
from model_store.compile.tree_converters import (
    convert_forest,
    convert_gradient_boosting,
    convert_histogram_boosting,
)
from model_store.manifest import Compiled
from model_store.schema.signature import Kind, Signature


def _refuse_neighbors(_scope: Any, _operator: Any, _container: Any) -> None:
    raise NotCompilableError(
        "Neighbours at nearly the same distance may come in another order when it is compiled."
    )


OPSET = {"": 20, ML_DOMAIN: 3}
# That of the operator TreeEnsemble, which skl2onnx does not know yet.
_ML_OPSET = 5
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
_ORDER = (NUMBERS, TEXTS, MOMENTS)


def convert(estimator: Any, signature: Signature) -> tuple[bytes, Compiled]:
    """Return an estimator as a graph, unchecked, and what its numbers mean.

    Raises:
        NotCompilableError: it has no compiled form, in so far as we know beforehand; whatever a
            converter raises comes through too.
    """
    labels = _labels(estimator, signature)
    compiled = Compiled(
        labels=tuple(labels.tolist()),
        probabilities=len(labels) > 0 and hasattr(estimator, "predict_proba"),
    )
    if not labels.size and hasattr(estimator, "predict_proba"):
        raise NotCompilableError("It has probabilities but no labels.")
    prepared = _prepared(estimator, signature, len(labels))
    # Other parts of the estimator have no labels.
    options = {id(prepared): {"zipmap": False}} if compiled.probabilities else None
    named = named_converters(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = convert_sklearn(
            prepared,
            name=signature.outputs[0].name,
            initial_types=_initial_types(prepared, signature),
            options=options,
            target_opset=OPSET,
            custom_conversion_functions=_CONVERTERS | {k: own.convert for k, own in named.items()},
            custom_parsers=dict.fromkeys(_NO_PROBABILITIES, _parsed),
            custom_shape_calculators=dict.fromkeys(_CONVERTERS, _shapes)
            | {k: own.shape for k, own in named.items()},
        )
    answered = np.asarray(getattr(prepared, "classes_", ()))
    return _finished(model, compiled, answered), compiled


def _labels(estimator: Any, signature: Signature) -> np.ndarray:
    if not hasattr(estimator, "classes_"):
        return np.array([])
    if signature.outputs[0].kind is Kind.NUMBER:
        raise NotCompilableError("Its labels are numbers with fractions.")
    if len(signature.outputs) > 1:
        raise NotCompilableError("It answers several labels.")
    return np.asarray(estimator.classes_)


def _prepared(estimator: Any, signature: Signature, labels: int) -> Any:
    """Return an estimator that takes columns by place, and answers class indexes."""
    if hasattr(estimator, "best_estimator_"):
        # A finished search answers as the best that it found.
        return _prepared(estimator.best_estimator_, signature, labels)
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if step not in (None, "passthrough")]
        steps[0] = _prepared(steps[0], signature, labels if len(steps) == 1 else 0)
        steps[-1] = _indexed(steps[-1], labels)
        return steps[0] if len(steps) == 1 else make_pipeline(*steps)
    if isinstance(estimator, ColumnTransformer):
        return _by_place(estimator, signature)
    return _indexed(estimator, labels)


def _indexed(estimator: Any, labels: int) -> Any:
    if not labels or isinstance(estimator, Pipeline):
        return estimator
    indexed = copy.copy(estimator)
    with contextlib.suppress(AttributeError):
        # Where it cannot be set the graph has the labels themselves, and they are looked up.
        indexed.classes_ = np.arange(labels)
    return indexed


def _by_place(transformer: ColumnTransformer, signature: Signature) -> ColumnTransformer:
    """Return a transformer that takes the columns of the graph's inputs, one after the other."""
    groups = inputs_of(signature)
    names = [column.name for name in _ORDER for column in groups.get(name, ())]
    new_places = [names.index(column.name) for column in signature.inputs]
    placed = copy.copy(transformer)
    places = transformer._transformer_to_input_indices  # noqa: SLF001 - it resolved all selections
    placed.transformers_ = [
        (name, step, [new_places[place] for place in places[name]])
        for name, step, _ in transformer.transformers_
        if step != "drop" and len(places[name])
    ]
    return placed


def _initial_types(prepared: Any, signature: Signature) -> list[tuple[str, Any]]:
    groups = inputs_of(signature)
    first = prepared.steps[0][1] if isinstance(prepared, Pipeline) else prepared
    if len(groups) > 1 and not isinstance(first, ColumnTransformer):
        raise NotCompilableError("Its first step takes numbers and text together.")
    types = {NUMBERS: DoubleTensorType, TEXTS: StringTensorType, MOMENTS: Int64TensorType}
    return [(name, types[name]([None, len(groups[name])])) for name in _ORDER if name in groups]


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


def _finished(model: onnx.ModelProto, compiled: Compiled, answered: np.ndarray) -> bytes:
    """Return a model as one file, with the outputs that a predictor asks for.

    Args:
        model: as skl2onnx made it.
        compiled: what it shall answer.
        answered: the labels that it answers, of which `compiled` may have others.
    """
    graph = model.graph
    _check_precision(graph)
    found = [output.name for output in graph.output]
    del graph.output[:]
    if compiled.labels:
        places = np.arange(len(compiled.labels))
        label = (
            found[0] if np.array_equal(answered, places) else _looked_up(graph, found[0], answered)
        )
        _end(graph, label, LABELS, TensorProto.INT64, 1)
        if compiled.probabilities:
            _end(graph, found[1], PROBABILITIES, TensorProto.DOUBLE, 2)
    else:
        _end(graph, found[0], VALUES, TensorProto.DOUBLE, 2)
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET[""]))
    model.opset_import.append(helper.make_opsetid(ML_DOMAIN, _ML_OPSET))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


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


def _end(graph: onnx.GraphProto, source: str, name: str, kind: int, rank: int) -> None:
    graph.node.append(helper.make_node("Cast", [source], [name], name=f"end_{name}", to=kind))
    graph.output.append(helper.make_tensor_value_info(name, kind, [None] * rank))


def _looked_up(graph: onnx.GraphProto, source: str, labels: np.ndarray) -> str:
    is_text = labels.dtype.kind in "OSU"
    keys = (
        {"keys_strings": labels.tolist()}
        if is_text
        else {"keys_int64s": labels.astype(int).tolist()}
    )
    node = helper.make_node(
        "LabelEncoder",
        [source],
        ["label_index"],
        name="label_index",
        domain=ML_DOMAIN,
        values_int64s=list(range(len(labels))),
        default_int64=-1,
        **keys,
    )
    graph.node.append(node)
    return "label_index"
