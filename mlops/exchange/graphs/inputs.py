"""The inputs of a graph from elsewhere, fed from the blocks of columns that the service feeds."""

from typing import Any, NamedTuple

import onnx
from onnx import TensorProto, helper

from mlops.exchange.wants import Wants
from model_store.compile.feed import INPUTS, NUMBERS, TEXTS
from model_store.errors import RefusedError
from model_store.schema.signature import Kind, Signature

PREFIX = "imported_"
"""Before every name that the graph had, so that none is one of ours."""
_FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}
_INTEGERS = {TensorProto.INT64, TensorProto.INT32}
_MOST_COLUMNS = 10_000


class Entry(NamedTuple):
    """An input of a graph."""

    name: str
    """As the graph has it, without our prefix."""
    element: int
    """Its type, as ONNX counts them."""
    sizes: tuple[int | None, ...]
    """Its shape without the rows; None: any."""

    @property
    def width(self) -> int | None:
        """How many columns it takes."""
        width = 1
        for size in self.sizes:
            if size is None:
                return None
            width *= size
        return width


def entries_of(graph: Any) -> list[Entry]:
    """Return what a graph is to be given.

    Raises:
        RefusedError: an input is no tensor of numbers or texts.
    """
    constants = {tensor.name for tensor in graph.initializer}
    entries = [_entry(each) for each in graph.input if each.name not in constants]
    if not entries:
        raise RefusedError("The graph has no input.")
    return entries


def wants_of(entries: list[Entry], types: dict[str, str]) -> Wants:
    """Return which columns a graph takes.

    Raises:
        RefusedError: its inputs cannot be made of columns.
    """
    if len(entries) == 1 and entries[0].width != 1:
        (entry,) = entries
        if len(entry.sizes) > 1 and entry.width is None:
            raise RefusedError(
                f'The input "{entry.name}" has a shape without sizes ({_shape(entry)}): export it '
                "with fixed sizes, of which the first alone may vary, the rows."
            )
        return Wants(
            names=tuple(types),
            width=None if types else entry.width,
            all_numbers=entry.element in _FLOATS,
            kinds={name: _kind(entry) for name in types},
            has_no_gaps=_without_gaps(entries),
        )
    if wide := [entry for entry in entries if entry.width != 1]:
        raise RefusedError(
            f'The graph has {len(entries)} inputs, and "{wide[0].name}" of the shape '
            f"{_shape(wide[0])}: of several inputs each must be one column."
        )
    return Wants(
        names=tuple(entry.name for entry in entries),
        kinds={entry.name: _kind(entry) for entry in entries},
        has_no_gaps=_without_gaps(entries),
    )


def feed(entries: list[Entry], signature: Signature) -> tuple[list[Any], list[Any], list[Any]]:
    """Return inputs, nodes and constants that make the graph's own inputs of a signature's columns.

    Raises:
        RefusedError: a column is of a kind that the graph does not take.
    """
    blocks: dict[str, list[str]] = {NUMBERS: [], TEXTS: []}
    for column in signature.inputs:
        if column.kind is Kind.DATETIME:
            raise RefusedError(
                f'The column "{column.name}" is a date, which this graph cannot take: read it as '
                f"text (-p read_as={column.name}:text), or leave it out."
            )
        blocks[INPUTS[column.kind]].append(column.name)
    nodes: list[Any] = []
    constants: list[Any] = []
    used: set[str] = set()
    whole = len(entries) == 1 and len(signature.inputs) != 1
    for entry in entries:
        block = TEXTS if entry.element == TensorProto.STRING else NUMBERS
        names = [c.name for c in signature.inputs] if whole else [_column(entry, signature)]
        if odd := [name for name in names if name not in blocks[block]]:
            what = "text" if block == TEXTS else "numbers"
            raise RefusedError(
                f'The input "{entry.name}" takes {what}, and the column "{odd[0]}" of the examples '
                "holds something else: see how it is read (-p read_as=NAME:...)."
            )
        used.add(block)
        _add(entry, block, names, blocks[block], nodes, constants)
    inputs = [
        helper.make_tensor_value_info(
            block,
            TensorProto.STRING if block == TEXTS else TensorProto.DOUBLE,
            ["rows", len(names)],
        )
        for block, names in blocks.items()
        if block in used
    ]
    return inputs, nodes, constants


def _add(  # noqa: PLR0913, PLR0917 - what is fed from what, and where to
    entry: Entry,
    block: str,
    names: list[str],
    of_block: list[str],
    nodes: list[Any],
    constants: list[Any],
) -> None:
    """Add the nodes that make one input of some columns of a block."""
    at = block
    key = f"feed_{len(nodes)}"
    if names != of_block:
        places = [of_block.index(name) for name in names]
        constants.append(
            helper.make_tensor(f"{key}_places", TensorProto.INT64, [len(places)], places)
        )
        nodes.append(helper.make_node("Gather", [at, f"{key}_places"], [f"{key}_columns"], axis=1))
        at = f"{key}_columns"
    if entry.element != TensorProto.STRING:
        nodes.append(helper.make_node("Cast", [at], [f"{key}_cast"], to=entry.element))
        at = f"{key}_cast"
    target = f"{PREFIX}{entry.name}"
    if len(entry.sizes) == 1:
        nodes.append(helper.make_node("Identity", [at], [target]))
        return
    shape = [-1, *(size or 1 for size in entry.sizes)]
    constants.append(helper.make_tensor(f"{key}_shape", TensorProto.INT64, [len(shape)], shape))
    nodes.append(helper.make_node("Reshape", [at, f"{key}_shape"], [target]))


def _column(entry: Entry, signature: Signature) -> str:
    names = [column.name for column in signature.inputs]
    return entry.name if entry.name in names else names[0]


def _entry(value: Any) -> Entry:
    kind = value.type.tensor_type
    element = kind.elem_type
    if not value.type.HasField("tensor_type") or element not in {
        *_FLOATS,
        *_INTEGERS,
        TensorProto.BOOL,
        TensorProto.STRING,
    }:
        name = onnx.TensorProto.DataType.Name(element) if element else "something else"
        raise RefusedError(
            f'The input "{value.name}" takes {name}: numbers (float, int32, int64), booleans and '
            "strings can be given. Export it with a cast from float."
        )
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
    if not kind.HasField("shape"):
        raise RefusedError(f'The input "{value.name}" has no shape: export it with one.')
    return Entry(value.name, element, tuple(sizes[1:]))


def _kind(entry: Entry) -> Kind:
    if entry.element in _FLOATS:
        return Kind.NUMBER
    if entry.element == TensorProto.STRING:
        return Kind.STRING
    return Kind.BOOLEAN if entry.element == TensorProto.BOOL else Kind.INTEGER


def _without_gaps(entries: list[Entry]) -> frozenset[Kind]:
    """Return the kinds of columns that the graph cannot take a missing value of."""
    # A float may be NaN; for a missing text or whole number there is no sign that all graphs know.
    return frozenset(_kind(entry) for entry in entries if entry.element not in _FLOATS)


def _shape(entry: Entry) -> str:
    return f"(rows, {', '.join(str(size) if size else '?' for size in entry.sizes)})"
