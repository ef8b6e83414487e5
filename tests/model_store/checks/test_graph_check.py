"""A graph that could reach a file, or take what no input says, is refused before it is loaded."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from onnx import (
    FunctionProto,
    GraphProto,
    ModelProto,
    SparseTensorProto,
    TensorProto,
    TrainingInfoProto,
    helper,
    numpy_helper,
)

from model_store.checks.graph_check import check_graph
from model_store.compile.onnx_predictor import OnnxPredictor
from model_store.errors import ModelStoreError, RefusedError
from model_store.manifest import Compiled
from model_store.schema.signature import Column, Kind, Signature

DOUBLE, INT64, STRING, UINT8 = (
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.UINT8,
)
SIGNATURE = Signature(
    inputs=(Column(name="x", kind=Kind.NUMBER),), outputs=(Column(name="y", kind=Kind.NUMBER),)
)


def model(*nodes: Any, tensors: Any = (), **options: Any) -> ModelProto:
    """Return a graph of one number in and one out."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("numbers", DOUBLE, [None, 1])],
        [helper.make_tensor_value_info("answer_values", DOUBLE, None)],
        list(tensors),
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, ir_version=10, **{"opset_imports": opsets} | options)


def identity() -> ModelProto:
    """Return a graph that answers what it gets."""
    return model(node("Identity", "numbers"))


def node(kind: str, *inputs: str, output: str = "answer_values", **attributes: Any) -> Any:
    """Return a node with one output."""
    return helper.make_node(kind, list(inputs), [output], **attributes)


def outside(name: str = "w", place: str = "secrets/passwords") -> TensorProto:
    """Return a tensor whose data are in another file."""
    tensor = TensorProto(name=name, data_type=UINT8, dims=[32], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=place)
    return tensor


def constant(values: Any, name: str = "c") -> TensorProto:
    """Return a tensor of the graph."""
    return numpy_helper.from_array(np.asarray(values), name)


def branch(tensor: TensorProto) -> GraphProto:
    """Return a graph inside of a node."""
    ends = [helper.make_tensor_value_info(tensor.name, UINT8, [32])]
    return helper.make_graph([], "inner", [], ends, [tensor])


def sparse(tensor: TensorProto) -> SparseTensorProto:
    """Return a sparse tensor that holds another one."""
    return SparseTensorProto(values=tensor, indices=constant([0]), dims=[64])


def in_sparse() -> ModelProto:
    """Return a graph whose external data are in a sparse tensor."""
    made = identity()
    made.graph.sparse_initializer.append(sparse(outside()))
    return made


def in_training() -> ModelProto:
    """Return a graph whose external data are in what trains it."""
    made = identity()
    made.training_info.append(TrainingInfoProto(initialization=branch(outside())))
    return made


def in_function() -> ModelProto:
    """Return a graph that calls a function of its own."""
    made = identity()
    loop = node("Constant", output="y", value=outside())
    made.functions.append(FunctionProto(name="f", domain="ai.onnx.ml", output=["y"], node=[loop]))
    return made


def without_location() -> ModelProto:
    """Return a graph that names a file, and does not say that the data are there."""
    tensor = outside()
    tensor.data_location = TensorProto.DEFAULT
    return model(node("Cast", "w", to=DOUBLE), tensors=[tensor])


def of_map() -> ModelProto:
    """Return a graph that gives a map."""
    made = identity()
    made.graph.output[0].type.map_type.key_type = INT64
    return made


def quantised() -> ModelProto:
    """Return a graph with a field that this service does not know."""
    made = identity()
    made.graph.quantization_annotation.add(tensor_name="numbers")
    return made


LOOP = helper.make_graph(
    [node("Identity", "go", output="on")],
    "body",
    [
        helper.make_tensor_value_info("turn", INT64, []),
        helper.make_tensor_value_info("go", TensorProto.BOOL, []),
    ],
    [helper.make_tensor_value_info("on", TensorProto.BOOL, [])],
)
HUGE = constant(np.array([5_000_000_000]))
REFUSED: dict[str, Callable[[], ModelProto]] = {
    "external data": lambda: model(node("Cast", "w", to=DOUBLE), tensors=[outside()]),
    "external data of memory": lambda: model(
        node("Cast", "w", to=DOUBLE), tensors=[outside(place="*/_ORT_MEM_ADDR_/*")]
    ),
    "external data, not said": without_location,
    "external data of an attribute": lambda: model(node("Constant", value=outside())),
    "external data of attributes": lambda: model(node("Constant", value_tensors=[outside()])),
    "external data of a sparse tensor": in_sparse,
    "external data of a sparse attribute": lambda: model(
        node("Constant", sparse_value=sparse(outside()))
    ),
    "external data of a branch": lambda: model(
        node("If", "numbers", then_branch=branch(outside()), else_branch=branch(outside()))
    ),
    "external data of training": in_training,
    "a function": in_function,
    "a loop": lambda: model(node("Loop", "", "", body=LOOP)),
    "a scan": lambda: model(node("Scan", "numbers", body=LOOP, num_scan_inputs=1)),
    "a map over a sequence": lambda: model(node("SequenceMap", "numbers", body=LOOP)),
    "graphs of an attribute": lambda: model(node("Identity", "numbers", bodies=[LOOP])),
    "another domain": lambda: model(
        node("Identity", "numbers"), opset_imports=[helper.make_opsetid("com.microsoft", 1)]
    ),
    "an operator of another domain": lambda: model(node("Gelu", "numbers", domain="com.microsoft")),
    "an operator that is not listed": lambda: model(node("RandomNormalLike", "numbers")),
    "40 GB": lambda: model(node("ConstantOfShape", "c"), tensors=[HUGE]),
    "40 GB by two": lambda: model(
        node("ConstantOfShape", "c"), tensors=[constant(np.array([70_000, 70_000]))]
    ),
    "40 GB of a node": lambda: model(
        node("Constant", output="c", value_ints=[5_000_000_000]), node("ConstantOfShape", "c")
    ),
    "40 GB by way of a name": lambda: model(
        node("Identity", "c", output="d"), node("Expand", "numbers", "d"), tensors=[HUGE]
    ),
    "tiles": lambda: model(
        node("Tile", "numbers", "c"), tensors=[constant(np.array([5_000_000, 1_000]))]
    ),
    "a size below zero": lambda: model(
        node("ConstantOfShape", "c"), tensors=[constant(np.array([-5]))]
    ),
    "a depth": lambda: model(
        node("OneHot", "numbers", "c", "v"), tensors=[HUGE, constant(np.array([0.0, 1.0]), "v")]
    ),
    "a size from a value": lambda: model(
        node("Cast", "numbers", output="c", to=INT64), node("ConstantOfShape", "c")
    ),
    "a range from a value": lambda: model(node("Range", "numbers", "numbers", "numbers")),
    "a padding": lambda: model(node("Pad", "numbers", "c"), tensors=[HUGE]),
    "a NUL in a name": lambda: model(node("Identity", "numbers", output="answer\0values")),
    "an escape in a tensor's name": lambda: model(
        node("Identity", "numbers"), tensors=[constant([1.0], "\x1b[2J")]
    ),
    "a long name": lambda: model(node("Identity", "numbers", name="n" * 100_000)),
    "a tensor without its data": lambda: model(
        node("Identity", "numbers"),
        tensors=[TensorProto(name="c", data_type=DOUBLE, dims=[10**12])],
    ),
    "a tensor of a complex number": lambda: model(
        node("Identity", "numbers"), tensors=[constant([1j])]
    ),
    "many nodes": lambda: model(
        *(node("Identity", "numbers", output=f"n{n}") for n in range(20_001))
    ),
    "many outputs": lambda: model(node("Identity", "numbers"), node("Identity", "numbers")),
    "a map": of_map,
    "an unknown field": quantised,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_reach_a_file_or_take_any_memory_is_refused(name: str) -> None:
    """The sentence says what it is, and no runtime has seen it."""
    made = REFUSED[name]()
    if name == "many outputs":
        made.graph.output.extend([made.graph.output[0]] * 64)
    with pytest.raises(RefusedError, match=r"model\.onnx is no graph that this service runs\. It"):
        check_graph(made.SerializeToString())


def test_what_a_compiler_makes_is_allowed() -> None:
    """Sizes that follow from the number of rows are, and numbers packed or not."""
    ones = constant(np.arange(6, dtype=np.float32).reshape(2, 3), "w")
    typed = helper.make_tensor("one", INT64, [1], [1])
    made = model(
        node("Shape", "numbers", output="size"),
        node("Gather", "size", "zero", output="rows", axis=0),
        node("Concat", "rows", "one", output="wide", axis=0),
        node("Expand", "numbers", "wide", output="expanded"),
        node("ConstantOfShape", "three", output="zeros"),
        node("Identity", "expanded"),
        tensors=[ones, typed, constant(np.array([0]), "zero"), constant(np.array([3]), "three")],
    )
    made.metadata_props.add(key="feed", value="{}")
    check_graph(made.SerializeToString())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no graph",
        b"\x08",
        b"\x08\x0a" * 2,
        b"\x3a\x7f",
        b"\xff" * 20,
        b"\x3a\x02\x0a",
        b"\x12\x08xxORTMxx" + identity().SerializeToString(),
        identity().SerializeToString()[:-1],
        identity().SerializeToString() + b"\x3a\x00",
    ],
)
def test_bytes_that_are_no_graph_are_refused(content: bytes) -> None:
    """Cut short, of another format, or with a field twice, which not all libraries join."""
    with pytest.raises(RefusedError, match=r"model\.onnx is no graph"):
        check_graph(content)


def test_each_flipped_byte_is_refused_or_read() -> None:
    """Nothing else comes of any content."""
    made = model(
        node("Add", "numbers", "w"), tensors=[constant([1.0], "w"), constant(np.array([3]), "n")]
    ).SerializeToString()
    for place in range(len(made)):
        for bit in range(8):
            flipped = bytearray(made)
            flipped[place] ^= 1 << bit
            with suppress(RefusedError):
                check_graph(bytes(flipped))


def test_the_runtime_itself_finds_no_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a name overlooked, it would lead nowhere."""
    (tmp_path / "secret").write_bytes(b"p" * 32)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("model_store.compile.onnx_predictor.check_graph", lambda _: None)
    for place in ("secret", f"../{tmp_path.name}/secret", str(tmp_path / "secret")):
        made = model(node("Cast", "w", to=DOUBLE), tensors=[outside(place=place)])
        with pytest.raises(ModelStoreError, match="cannot be run here"):
            OnnxPredictor(made.SerializeToString(), SIGNATURE, Compiled())


def test_a_graph_that_takes_memory_fails_its_own_request() -> None:
    """Each row with each other row: the memory that graphs compute in has a limit."""
    made = model(
        node("Transpose", "numbers", output="turned"),
        node("MatMul", "numbers", "turned", output="square"),
        node("ReduceSum", "square", "one", keepdims=1),
        tensors=[constant(np.array([1]), "one")],
    )
    predictor = OnnxPredictor(made.SerializeToString(), SIGNATURE, Compiled())
    few, many = {"x": np.ones(3)}, {"x": np.ones(40_000)}
    assert predictor.predict(few).values[0].tolist() == [3.0, 3.0, 3.0]
    with pytest.raises(ModelStoreError, match="raised"):
        predictor.predict(many)
    assert predictor.predict(few).values[0].tolist() == [3.0, 3.0, 3.0]
