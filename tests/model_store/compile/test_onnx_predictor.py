"""A compiled predictor answers as the signature says, or raises without any value."""

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from model_store.compile.feed import MOMENTS, NUMBERS, TEXTS
from model_store.compile.onnx_predictor import OnnxPredictor
from model_store.errors import PredictionError
from model_store.manifest import Compiled
from model_store.schema.signature import Column, Kind, Signature

COLUMNS = {"x": np.array([0.0, 1.0, 2.0, 3.0])}
LABELLED = Compiled(labels=("no", "yes"), probabilities=True)
DOUBLE, INT64 = TensorProto.DOUBLE, TensorProto.INT64


def signature(kind: Kind = Kind.NUMBER, inputs: tuple[Column, ...] = ()) -> Signature:
    """Return a signature of one output, and of one number in if nothing else is said."""
    return Signature(
        inputs=inputs or (Column(name="x", kind=Kind.NUMBER),),
        outputs=(Column(name="y", kind=kind),),
    )


def graph(*nodes: Any, inputs: Any = ((NUMBERS, DOUBLE, 1),), outputs: Any) -> bytes:
    """Return a graph as it is stored."""
    made = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(name, kind, [None, width]) for name, kind, width in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
    )
    opsets = [helper.make_opsetid("", 20)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=10).SerializeToString())


def constant(values: Any, output: str) -> Any:
    """Return a node that answers the same to every row."""
    array = np.asarray(values)
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = helper.make_tensor(output, kind, array.shape, array.ravel().tolist())
    return helper.make_node("Constant", [], [output], value=tensor)


def regressor(values: Any) -> OnnxPredictor:
    """Return a regression that always gives these values."""
    made = graph(constant(values, "answer_values"), outputs=[("answer_values", DOUBLE)])
    return OnnxPredictor(made, signature(), Compiled())


def classifier(labels: Any, shares: Any) -> OnnxPredictor:
    """Return a classifier that always gives these class indexes and probabilities."""
    made = graph(
        constant(labels, "answer_labels"),
        constant(shares, "answer_probabilities"),
        outputs=[("answer_labels", INT64), ("answer_probabilities", DOUBLE)],
    )
    return OnnxPredictor(made, signature(Kind.CATEGORY), LABELLED)


def test_labels_are_those_of_the_manifest() -> None:
    """The graph returns their positions."""
    predictor = classifier([1, 0, 1, 0], np.full((4, 2), 0.5))
    (labels,), shares = predictor.predict(COLUMNS, probabilities=True)
    assert labels.tolist() == ["yes", "no", "yes", "no"]
    assert labels.dtype == object
    assert shares is not None
    assert shares.shape == (4, 2)
    assert predictor.classes == ("no", "yes")
    assert predictor.predict(COLUMNS).probabilities is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros((3, 1)), "shape"),
        (np.zeros((4, 2)), "shape"),
        (np.array([[1.0], [np.nan], [1.0], [1.0]]), "NaN"),
        (np.array([[1.0], [np.inf], [1.0], [1.0]]), "infinity"),
    ],
)
def test_an_output_that_is_no_number_is_refused(values: Any, reason: str) -> None:
    """The same holds for an estimator."""
    with pytest.raises(PredictionError, match=reason):
        regressor(values).predict(COLUMNS)


@pytest.mark.parametrize(
    ("labels", "shares", "reason"),
    [
        ([0, 1, 0], np.full((4, 2), 0.5), "number of rows"),
        ([0, 1, 0, 2], np.full((4, 2), 0.5), "no known label"),
        ([0, 1, 0, -1], np.full((4, 2), 0.5), "no known label"),
        ([0, 1, 0, 1], np.full((4, 3), 0.5), "shape"),
        ([0, 1, 0, 1], np.full((4, 2), np.nan), "not numbers"),
    ],
)
def test_an_output_that_is_no_label_is_refused(labels: Any, shares: Any, reason: str) -> None:
    """An index below zero would count from the end."""
    with pytest.raises(PredictionError, match=reason):
        classifier(labels, shares).predict(COLUMNS, probabilities=True)


def test_a_regression_has_no_probabilities_to_give() -> None:
    """It says so instead of failing."""
    with pytest.raises(PredictionError, match="no probabilities"):
        regressor(np.zeros((4, 1))).predict(COLUMNS, probabilities=True)


def test_an_error_of_the_runtime_contains_no_value() -> None:
    """Neither its sentence nor its traceback has one."""
    node = helper.make_node("Reshape", [NUMBERS, "shape"], ["answer_values"])
    made = graph(constant(np.array([7, 7]), "shape"), node, outputs=[("answer_values", DOUBLE)])
    predictor = OnnxPredictor(made, signature(), Compiled())
    with pytest.raises(PredictionError, match="The compiled model raised") as refusal:
        predictor.predict({"x": np.array([4711.0])})
    assert "4711" not in str(refusal.value)
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ([("other", DOUBLE, 1)], [("answer_values", DOUBLE)]),
        ([(TEXTS, TensorProto.STRING, 1)], [("answer_values", DOUBLE)]),
        ([(NUMBERS, TensorProto.INT32, 1)], [("answer_values", DOUBLE)]),
        ([(NUMBERS, DOUBLE, 1)], [("other", DOUBLE)]),
        ([(NUMBERS, DOUBLE, 1)], [("answer_values", INT64)]),
    ],
)
def test_a_graph_of_another_signature_is_refused_at_once(inputs: Any, outputs: Any) -> None:
    """It is refused when it is loaded, not when it predicts."""
    (name, kind), *_ = outputs
    dtype = np.int64 if kind == INT64 else np.float64
    made = graph(constant(np.zeros((4, 1), dtype), name), inputs=inputs, outputs=outputs)
    with pytest.raises(PredictionError):
        OnnxPredictor(made, signature(), Compiled())


def test_each_kind_reaches_the_graph_as_it_was_compiled() -> None:
    """Numbers and booleans as doubles, integers unrounded, texts with a mark for a missing one."""
    found: dict[str, Any] = {}
    columns = (
        Column(name="n", kind=Kind.INTEGER),
        Column(name="t", kind=Kind.STRING, nullable=True),
        Column(name="b", kind=Kind.BOOLEAN),
        Column(name="d", kind=Kind.DATETIME, nullable=True),
    )
    made = graph(
        constant(np.zeros((2, 1)), "answer_values"),
        inputs=[
            (NUMBERS, DOUBLE, 2),
            (TEXTS, TensorProto.STRING, 1),
            (MOMENTS, INT64, 1),
        ],
        outputs=[("answer_values", DOUBLE)],
    )
    predictor = OnnxPredictor(made, signature(inputs=columns), Compiled())

    class Session:
        def run(self, _names: Any, feed: dict[str, Any]) -> list[np.ndarray]:
            found.update(feed)
            return [np.zeros((2, 1))]

    predictor._session = Session()  # noqa: SLF001 - what it is fed is seen nowhere else
    days = np.array(["1970-01-01T00:00:01", "NaT"], dtype="datetime64[us]")
    texts = np.array(["Zürich", None], dtype=object)
    numbers = np.array([2**53 - 1, -(2**53)])
    flags = np.array([True, False])
    predictor.predict({"n": numbers, "t": texts, "b": flags, "d": days})
    assert found[NUMBERS].tolist() == [[2.0**53 - 1, 1.0], [-(2.0**53), 0.0]]
    assert found[TEXTS].tolist() == [["Zürich"], ["\0"]]
    assert found[MOMENTS].tolist() == [[1_000_000], [-(2**63)]]
    assert texts.tolist() == ["Zürich", None], "what is asked is not changed"
