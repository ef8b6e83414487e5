"""The graph of a whole estimator while it is put together: inputs, columns, and steps in a row."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from model_store.compile.feed import FEED, INPUTS, MOMENTS, NUMBERS, TEXTS, WORDS, Feed
from model_store.compile.onnx_graph import ML_DOMAIN
from model_store.compile.word_weights import WordWeights
from model_store.schema.columns import dtype_of
from model_store.schema.signature import Column

OPSET = {"": 20, ML_DOMAIN: 3}
# That of the operator TreeEnsemble, which skl2onnx does not know yet.
_ML_OPSET = 5
ELEMENTS = {
    NUMBERS: TensorProto.DOUBLE,
    TEXTS: TensorProto.STRING,
    MOMENTS: TensorProto.INT64,
    WORDS: TensorProto.DOUBLE,
}


class Cell(NamedTuple):
    """One column on its way through the graph: a place in a tensor, `(rows, width)`."""

    tensor: str
    place: int
    kind: str
    """What it holds: NUMBERS, TEXTS, MOMENTS, or ARRAYS, which no step but one takes."""
    name: str
    """What a sentence calls it."""
    column: Column | None = None
    """The column of the signature, where it comes from there unchanged."""


Rows = tuple[Cell, ...]
"""A table on its way through the graph: its columns, in order."""


class Assembly:
    """A graph that grows. Inputs take up a column where a step first asks for it."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._columns: dict[str, list[str]] = {NUMBERS: [], TEXTS: [], MOMENTS: []}
        self._words: list[WordWeights] = []
        self._arrays: dict[str, Column] = {}
        self._widths: dict[str, int] = {}
        self._of_inputs: list[tuple[onnx.NodeProto, tuple[int, ...]]] = []
        self._blocks: dict[tuple[tuple[str, int], ...], str] = {}
        self._count = 0

    def column(self, column: Column) -> Cell:
        """Return a column of the signature."""
        return Cell("", 0, INPUTS[column.kind], column.name, column)

    def words(self, weights: WordWeights, names: Sequence[str]) -> Rows:
        """Return the numbers that a column's texts become, as an input of the graph."""
        start = sum(each.width for each in self._words)
        self._words.append(weights)
        places = range(start, start + weights.width)
        return tuple(Cell(WORDS, p, NUMBERS, n) for p, n in zip(places, names, strict=True))

    def array(self, column: Column, names: Sequence[str]) -> Rows:
        """Return the numbers of an array column, which is an input of the graph by itself."""
        known = [name for name, each in self._arrays.items() if each.name == column.name]
        name = known[0] if known else f"array_{len(self._arrays)}"
        self._arrays[name] = column
        numbers = self.node("Cast", name, to=TensorProto.DOUBLE)
        return self.rows(self.node("Flatten", numbers, axis=1), NUMBERS, names)

    def block(self, rows: Rows) -> str:
        """Return columns of one kind side by side, as one tensor `(rows, columns)`."""
        placed = tuple(self._placed(cell) for cell in rows)
        if placed not in self._blocks:
            self._blocks[placed] = self._side_by_side(placed)
        return self._blocks[placed]

    def rows(self, tensor: str, kind: str, names: Sequence[str]) -> Rows:
        """Return a step's tensor as columns with these names."""
        self._widths[tensor] = len(names)
        return tuple(Cell(tensor, place, kind, name) for place, name in enumerate(names))

    def constant(self, values: Any) -> str:
        """Add a tensor of numbers, and return its name."""
        name = self._name("constant")
        self._constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output, and return that one's name."""
        name = self._name(kind.lower())
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def embed(self, model: onnx.ModelProto, inputs: Sequence[str]) -> list[str]:
        """Add all of another graph, which takes these tensors, and return its outputs."""
        prefix = self._name("step") + "_"
        graph = compose.add_prefix(model, prefix, inplace=True).graph
        for source, taken in zip(inputs, graph.input, strict=True):
            self._nodes.append(helper.make_node("Identity", [source], [taken.name]))
        self._nodes.extend(graph.node)
        self._constants.extend(graph.initializer)
        return [output.name for output in graph.output]

    def finished(self, outputs: Sequence[tuple[str, str, int, int]], name: str) -> onnx.ModelProto:
        """Return the graph as a model.

        Args:
            outputs: tensor, name, element type and rank of each.
            name: of the graph.
        """
        for node, places in self._of_inputs:
            if places == tuple(range(self._width(node.input[0]))):
                # Nothing is left out and all is in order: it is the input.
                node.CopyFrom(helper.make_node("Identity", [node.input[0]], list(node.output)))
        asked = [each for each in (*self._columns, WORDS) if self._width(each)]
        graph = helper.make_graph(
            self._nodes,
            name,
            [
                helper.make_tensor_value_info(each, ELEMENTS[each], [None, self._width(each)])
                for each in asked
            ]
            + [_array_info(each, column) for each, column in self._arrays.items()],
            [],
            self._constants,
        )
        for source, output, kind, rank in outputs:
            node = helper.make_node("Cast", [source], [output], name=f"end_{output}", to=kind)
            graph.node.append(node)
            graph.output.append(helper.make_tensor_value_info(output, kind, [None] * rank))
        opsets = [helper.make_opsetid("", OPSET[""]), helper.make_opsetid(ML_DOMAIN, _ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        feed = Feed(
            numbers=tuple(self._columns[NUMBERS]),
            texts=tuple(self._columns[TEXTS]),
            moments=tuple(self._columns[MOMENTS]),
            words=tuple(self._words),
            arrays={name: column.name for name, column in self._arrays.items()},
        )
        helper.set_model_props(model, {FEED: msgspec.json.encode(feed).decode()})
        return model

    def _placed(self, cell: Cell) -> tuple[str, int]:
        if cell.column is None:
            return cell.tensor, cell.place
        names = self._columns[cell.kind]
        if cell.column.name not in names:
            names.append(cell.column.name)
        return cell.kind, names.index(cell.column.name)

    def _side_by_side(self, placed: tuple[tuple[str, int], ...]) -> str:
        runs: list[tuple[str, list[int]]] = []
        for tensor, place in placed:
            if not runs or runs[-1][0] != tensor:
                runs.append((tensor, []))
            runs[-1][1].append(place)
        parts = [self._part(tensor, tuple(places)) for tensor, places in runs]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=1)

    def _part(self, tensor: str, places: tuple[int, ...]) -> str:
        if places == tuple(range(self._widths.get(tensor, -1))):
            return tensor
        part = self.node("Gather", tensor, self.constant(np.array(places)), axis=1)
        if tensor in self._columns or tensor == WORDS:
            self._of_inputs.append((self._nodes[-1], places))
        return part

    def _width(self, name: str) -> int:
        if name == WORDS:
            return sum(each.width for each in self._words)
        return len(self._columns[name])

    def _name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"


def _array_info(name: str, column: Column) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(dtype_of(column))
    return helper.make_tensor_value_info(name, kind, [None, *column.shape])
