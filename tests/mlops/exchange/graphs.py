"""Graphs as other tools export them, made by hand: what each answers, anyone can compute."""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    """Return a node with one output."""
    return helper.make_node(kind, inputs, [output], **attributes)


def value(name: str, kind: int, *sizes: Any) -> Any:
    """Return what a graph says of an input or an output."""
    return helper.make_tensor_value_info(name, kind, list(sizes))


def tensor(name: str, values: Any) -> Any:
    """Return a constant in single precision."""
    return numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)


def model(
    nodes: list[Any], inputs: list[Any], outputs: list[Any], tensors: list[Any], **options: Any
) -> ModelProto:
    """Return a model of the usual operator sets."""
    graph = helper.make_graph(nodes, "elsewhere", inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, ir_version=8, **{"opset_imports": opsets} | options)


def line(rows: Any = "batch") -> ModelProto:
    """Return y = 2 a + 3 b, from one input of two columns."""
    return model(
        [node("MatMul", ["x", "w"], "y")],
        [value("x", FLOAT, rows, 2)],
        [value("y", FLOAT, rows, 1)],
        [tensor("w", [[2.0], [3.0]])],
    )


def classifier(scores: str = "logits", labels: tuple[str, ...] = ()) -> ModelProto:
    """Return a network of two columns whose class is the sign of a: 0 below, 1 above.

    With labels it answers those, and a dictionary of probabilities, as skl2onnx exports.
    """
    nodes = [node("MatMul", ["x", "w"], "raw")]
    last = "raw"
    if scores != "logits" or labels:
        kind = "LogSoftmax" if scores == "log-probabilities" else "Softmax"
        nodes.append(node(kind, ["raw"], "shares", axis=1))
        last = "shares"
    outputs = [value(last, FLOAT, "batch", 2)]
    if labels:
        place = node("ArgMax", ["raw"], "place", axis=1, keepdims=0)
        label = node(
            "LabelEncoder",
            ["place"],
            "label",
            domain="ai.onnx.ml",
            keys_int64s=[0, 1],
            values_strings=list(labels),
        )
        maps = node(
            "ZipMap",
            ["shares"],
            "probabilities",
            domain="ai.onnx.ml",
            classlabels_strings=list(labels),
        )
        nodes += [place, label, maps]
        answered = helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, []))
        outputs = [
            value("label", STRING, "batch"),
            helper.make_value_info("probabilities", helper.make_sequence_type_proto(answered)),
        ]
    return model(nodes, [value("x", FLOAT, "batch", 2)], outputs, [tensor("w", [[-4, 4], [0, 0]])])


def convolution(rows: Any = "batch") -> ModelProto:
    """Return a network of pictures of 4x4: class 1 where the right half is brighter, else 0."""
    kernel = np.concatenate([np.full((1, 1, 4, 2), -1.0), np.full((1, 1, 4, 2), 1.0)], axis=3)
    return model(
        [
            node("Conv", ["picture", "kernel"], "map"),
            node("Flatten", ["map"], "flat"),
            node("Gemm", ["flat", "w", "b"], "scores"),
        ],
        [value("picture", FLOAT, rows, 1, 4, 4)],
        [value("scores", FLOAT, rows, 2)],
        [tensor("kernel", kernel), tensor("w", [[-1, 1]]), tensor("b", [0, 0])],
    )


def save(graph: ModelProto, path: Path) -> Path:
    """Write a model to a file, and return it."""
    path.write_bytes(graph.SerializeToString())
    return path
