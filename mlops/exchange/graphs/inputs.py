"""The inputs of a graph from elsewhere, fed from the blocks of columns that the service feeds."""

from math import prod
from typing import Any, NamedTuple

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper

from mlops.exchange.wants import Wants
from model_store.compile.feed import NUMBERS, TEXTS, Feed, feed_of
from model_store.errors import RefusedError
from model_store.schema.signature import Column, Kind, Signature

PREFIX = "imported_"
"""Before every name that the graph had, so that none is one of ours."""
_FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}
_INTEGERS = {TensorProto.INT64, TensorProto.INT32}
_OF_ARRAYS = {
    *(TensorProto.UINT8, TensorProto.INT8, TensorProto.UINT16, TensorProto.INT16),
    TensorProto.UINT32,
}
"""What arrays alone may be: the service has no column of such numbers."""


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
    """Return which columns a graph takes."""
    if len(entries) == 1 and entries[0].width != 1:
        (entry,) = entries
        return Wants(
            names=tuple(types),
            width=None if types else entry.width,
            may_be_array=True,
            all_numbers=entry.element in _FLOATS,
            kinds={name: _kind(entry) for name in types},
            has_no_gaps=_without_gaps(entries),
        )
    return Wants(
        names=tuple(entry.name for entry in entries),
        kinds={entry.name: _kind(entry) for entry in entries if entry.width == 1},
        has_no_gaps=_without_gaps(entries),
    )


class Fed(NamedTuple):
    """What is put before a graph."""

    inputs: list[Any]
    nodes: list[Any]
    constants: list[Any]
    feed: Feed
    """What the inputs are made of."""


def feed(entries: list[Entry], signature: Signature) -> Fed:
    """Return what makes a graph's own inputs of a signature's columns.

    Raises:
        RefusedError: a column is of a kind that the graph does not take.
    """
    made = Fed([], [], [], _feed_of(entries, signature))
    blocks = {NUMBERS: made.feed.numbers, TEXTS: made.feed.texts}
    columns = {column.name: column for column in signature.inputs}
    whole = len(entries) == 1 and len(signature.inputs) != 1
    used: set[str] = set()
    for entry in entries:
        names = list(columns) if whole else [_column(entry, signature)]
        own = [columns[name] for name in names if columns[name].kind is Kind.ARRAY]
        if own and not whole:
            _add_array(entry, own[0], made)
            continue
        _check_columns(entry, len(names), is_array=bool(own))
        block = TEXTS if entry.element == TensorProto.STRING else NUMBERS
        if odd := [name for name in names if name not in blocks[block]]:
            what = "text" if block == TEXTS else "numbers"
            raise RefusedError(
                f'The input "{entry.name}" takes {what}, and the column "{odd[0]}" of the examples '
                "holds something else: see how it is read (-p read_as=NAME:...)."
            )
        used.add(block)
        _add(entry, block, names, list(blocks[block]), made)
    made.inputs.extend(
        helper.make_tensor_value_info(
            block,
            TensorProto.STRING if block == TEXTS else TensorProto.DOUBLE,
            ["rows", len(names)],
        )
        for block, names in blocks.items()
        if block in used
    )
    return made


def _feed_of(entries: list[Entry], signature: Signature) -> Feed:
    """Return the columns of each block, and the inputs that are arrays."""
    for column in signature.inputs:
        if column.kind is Kind.DATETIME:
            raise RefusedError(
                f'The column "{column.name}" is a date, which this graph cannot take: read it as '
                f"text (-p read_as={column.name}:text), or leave it out."
            )
    usual = feed_of(signature)
    arrays = {c.name for c in signature.inputs if c.kind is Kind.ARRAY}
    named = {entry.name: _column(entry, signature) for entry in entries}
    return msgspec.structs.replace(
        usual,
        arrays={
            f"array_{place}": name for place, name in enumerate(named.values()) if name in arrays
        },
    )


def _check_columns(entry: Entry, columns: int, *, is_array: bool) -> None:
    """See that an input can be made of as many columns, side by side."""
    if is_array:
        raise RefusedError(
            f'The input "{entry.name}" is one, and the examples have a column of arrays beside '
            "others: leave these out (-p leave_out=...)."
        )
    if entry.element in _OF_ARRAYS:
        raise RefusedError(
            f'The input "{entry.name}" takes {_type(entry.element)}: give its examples as a column '
            "of arrays of that type, or export it with a cast from float."
        )
    if entry.width is None and len(entry.sizes) > 1:
        raise RefusedError(
            f'The input "{entry.name}" has a shape without sizes ({_shape(entry)}): export it with '
            "fixed sizes, of which the first alone may vary, the rows; or give its examples as a "
            "column of arrays."
        )
    if entry.width not in {None, columns}:
        raise RefusedError(
            f'The input "{entry.name}" has the shape {_shape(entry)}, and the examples have '
            f"{columns} columns for it: give it a column of arrays, or as many columns."
        )


def _add_array(entry: Entry, column: Column, made: Fed) -> None:
    """Add the nodes that make one input of a column of arrays."""
    name = next(key for key, each in made.feed.arrays.items() if each == column.name)
    known = [size for size in entry.sizes if size != 1]
    shape = [size for size in column.shape if size != 1]
    is_flat = len(column.shape) == 1 and entry.width in {None, prod(column.shape)}
    fits = len(known) == len(shape) and all(
        size in {None, other} for size, other in zip(known, shape, strict=True)
    )
    if not fits and not is_flat:
        raise RefusedError(
            f'The input "{entry.name}" has the shape {_shape(entry)}, and the arrays of '
            f'"{column.name}" are of {"x".join(map(str, column.shape))}: give them in its order.'
        )
    element = helper.np_dtype_to_tensor_dtype(np.dtype(column.dtype))
    if entry.element not in _FLOATS and entry.element != element:
        raise RefusedError(
            f'The input "{entry.name}" takes {_type(entry.element)}, and the arrays of '
            f'"{column.name}" are of {column.dtype}: give them in its type.'
        )
    made.inputs.append(helper.make_tensor_value_info(name, element, ["rows", *column.shape]))
    made.nodes.append(helper.make_node("Cast", [name], [f"{name}_cast"], to=entry.element))
    free = iter(shape)
    # Of a size that may vary, that of the examples is meant.
    wanted = [1 if size == 1 else next(free) for size in entry.sizes] if fits else []
    sizes = [-1, *(wanted or [int(size or 0) for size in entry.sizes])]
    made.constants.append(
        helper.make_tensor(f"{name}_shape", TensorProto.INT64, [len(sizes)], sizes)
    )
    made.nodes.append(
        helper.make_node("Reshape", [f"{name}_cast", f"{name}_shape"], [f"{PREFIX}{entry.name}"])
    )


def _add(entry: Entry, block: str, names: list[str], of_block: list[str], made: Fed) -> None:
    """Add the nodes that make one input of some columns of a block."""
    at, nodes, constants = block, made.nodes, made.constants
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
    """Return the column of an input by its name; a single input takes the first one."""
    names = [column.name for column in signature.inputs]
    return entry.name if entry.name in names else names[0]


def _entry(value: Any) -> Entry:
    kind = value.type.tensor_type
    element = kind.elem_type
    if not value.type.HasField("tensor_type") or element not in {
        *_FLOATS,
        *_INTEGERS,
        *_OF_ARRAYS,
        TensorProto.BOOL,
        TensorProto.STRING,
    }:
        raise RefusedError(
            f'The input "{value.name}" takes {_type(element)}: numbers (float, int32, int64), '
            "booleans and strings can be given. Export it with a cast from float."
        )
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
    if not kind.HasField("shape"):
        raise RefusedError(f'The input "{value.name}" has no shape: export it with one.')
    return Entry(value.name, element, tuple(sizes[1:]))


def _type(element: int) -> str:
    return onnx.TensorProto.DataType.Name(element) if element else "something else"


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
