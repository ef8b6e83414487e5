"""The end of a graph from elsewhere: its answers as the service reads those of its own graphs."""

from typing import Any

import onnx
from onnx import TensorProto, helper

from mlops.exchange.graphs.answers import Exits
from mlops.exchange.graphs.inputs import PREFIX
from mlops.exchange.graphs.labels import Meaning
from model_store.compile.onnx_graph import ML_DOMAIN
from model_store.compile.onnx_predictor import LABELS, PROBABILITIES, VALUES
from model_store.errors import RefusedError

_ML_VERSION = 2
"""From this one on, a table of labels may be one from any type to any."""


class _Tail:
    """Nodes and constants that are added at the end of a graph."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._count = 0

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        self._count += 1
        made = name or f"tail_{self._count}"
        self._graph.node.append(helper.make_node(kind, list(inputs), [made], **attributes))
        return made

    def constant(self, kind: int, sizes: list[int], values: list[Any]) -> str:
        """Add a constant, and return its name."""
        self._count += 1
        name = f"tail_{self._count}"
        self._graph.initializer.append(helper.make_tensor(name, kind, sizes, values))
        return name

    def reshaped(self, name: str, sizes: list[int]) -> str:
        """Return a tensor in another shape; -1 stands for the rows."""
        return self.node("Reshape", name, self.constant(TensorProto.INT64, [len(sizes)], sizes))


def finished(raw: Any, exits: Exits, found: Meaning) -> Any:
    """Return a model that answers as the service reads it.

    Args:
        raw: takes our blocks of columns, and gives the graph's own answers; it is changed.
        exits: what these are.
        found: what they mean.

    Raises:
        RefusedError: its operators are too old to add ours.
    """
    graph = raw.graph
    del graph.output[:]
    tail = _Tail(graph)
    outputs: list[tuple[str, int, list[Any]]] = []
    shares = ""
    if found.has_probabilities:
        shares = _shares(tail, exits, found)
        outputs.append((PROBABILITIES, TensorProto.DOUBLE, ["rows", len(found.labels)]))
    if not found.labels:
        numbers = tail.node("Cast", PREFIX + exits.numbers, to=TensorProto.DOUBLE)
        tail.node("Identity", tail.reshaped(numbers, [-1, found.width]), name=VALUES)
        outputs.append((VALUES, TensorProto.DOUBLE, ["rows", found.width]))
    elif exits.label:
        _index(tail, raw, PREFIX + exits.label, found.keys)
        outputs.append((LABELS, TensorProto.INT64, ["rows"]))
    else:
        tail.node("ArgMax", shares, axis=1, keepdims=0, name=LABELS)
        outputs.append((LABELS, TensorProto.INT64, ["rows"]))
    graph.output.extend(helper.make_tensor_value_info(*each) for each in outputs)
    try:
        onnx.checker.check_model(raw)
    except Exception as error:
        raise RefusedError(f"The graph is damaged ({error}): export it again.") from error
    return raw


def _shares(tail: _Tail, exits: Exits, found: Meaning) -> str:
    """Add probabilities, one a label, that add up to one.

    In single precision they nearly do, and may be a little above one.
    """
    cast = tail.node("Cast", PREFIX + exits.numbers, to=TensorProto.DOUBLE)
    numbers = tail.reshaped(cast, [-1, found.width])
    one = tail.constant(TensorProto.DOUBLE, [1], [1.0])
    if found.numbers == "logits":
        shares = (
            tail.node("Sigmoid", numbers)
            if found.width == 1
            else tail.node("Softmax", numbers, axis=1)
        )
    else:
        none = tail.constant(TensorProto.DOUBLE, [1], [0.0])
        shares = tail.node("Exp", numbers) if found.numbers == "log-probabilities" else numbers
        shares = tail.node("Min", tail.node("Max", shares, none), one)
    if found.width == 1:
        return tail.node(
            "Concat", tail.node("Sub", one, shares), shares, axis=1, name=PROBABILITIES
        )
    ones = tail.constant(TensorProto.DOUBLE, [found.width, 1], [1.0] * found.width)
    return tail.node("Div", shares, tail.node("MatMul", shares, ones), name=PROBABILITIES)


def _index(tail: _Tail, model: Any, label: str, keys: tuple[Any, ...]) -> None:
    """Add the class index of each label; one that is unknown is -1, which is refused later."""
    _need_tables(model)
    rows = tail.reshaped(label, [-1])
    kind = "keys_strings"
    if not isinstance(keys[0], str):
        rows = tail.node("Cast", rows, to=TensorProto.INT64)
        kind = "keys_int64s"
    tail.node(
        "LabelEncoder",
        rows,
        name=LABELS,
        domain=ML_DOMAIN,
        values_int64s=list(range(len(keys))),
        default_int64=-1,
        **{kind: [key if isinstance(key, str) else int(key) for key in keys]},
    )


def _need_tables(model: Any) -> None:
    own = [each for each in model.opset_import if each.domain == ML_DOMAIN]
    if not own:
        model.opset_import.append(helper.make_opsetid(ML_DOMAIN, _ML_VERSION))
    elif own[0].version < _ML_VERSION:
        if any(node.op_type == "LabelEncoder" for node in model.graph.node):
            raise RefusedError("The graph is of an old operator set for labels: export it again.")
        own[0].version = _ML_VERSION
