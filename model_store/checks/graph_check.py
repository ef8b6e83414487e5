"""The door: what a compiled model must be, read from its bytes before any library sees them."""

from math import prod
from typing import Any

import numpy as np

from model_store.checks.onnx_messages import MODEL
from model_store.checks.operators import ALLOWED, LARGEST_MARGIN, SIZES_FROM, WINDOWED
from model_store.checks.wire import Numbers, Read, read
from model_store.errors import RefusedError
from model_store.names import has_control

CHECK_NUMBER = 1
"""Of all checks of this room. It grows whenever one becomes stricter: what passed the one before is
loaded in a process of its own again."""

_MOST_BYTES = 2**30
_MOST_NODES = 20_000
_MOST_ENDS = 64
"""Inputs of a graph, or outputs."""
_MOST_CHARACTERS = 1_000
_MOST_DIMENSIONS = 8
_MOST_ELEMENTS = 2**24
"""Of a tensor whose size the graph names as a constant."""
_FEW = 64
"""So many numbers may say a size."""
# Element types by their number: bytes an element, and the field that may hold it instead of `raw`.
_ELEMENTS = {
    1: (4, "floats"),
    2: (1, "int32s"),
    3: (1, "int32s"),
    4: (2, "int32s"),
    5: (2, "int32s"),
    6: (4, "int32s"),
    7: (8, "int64s"),
    8: (0, "strings"),
    9: (1, "int32s"),
    10: (2, "int32s"),
    11: (8, "doubles"),
    12: (4, "uint64s"),
    13: (8, "uint64s"),
}
_INTEGERS: dict[int, np.dtype[Any]] = {6: np.dtype("<i4"), 7: np.dtype("<i8")}
_FIELDS = ("floats", "int32s", "strings", "int64s", "doubles", "uint64s")


def check_graph(content: bytes) -> None:
    """See that a compiled model can reach no file, and takes no more than its inputs' sizes say.

    Raises:
        RefusedError: it is no such graph; the sentence says why.
    """
    try:
        _check(content)
    except RefusedError as error:
        raise RefusedError(
            f"model.onnx is no graph that this service runs. {error} Publish the model again; its "
            "estimator can be served without the file."
        ) from error


def _check(content: bytes) -> None:
    # ONNX Runtime takes a file with these bytes for one of its own format, which is not read here.
    if content[4:8] == b"ORTM":
        raise RefusedError("It is of the format of ONNX Runtime.")
    if len(content) > _MOST_BYTES:
        raise RefusedError("It is larger than 1 GiB.")
    model = read(content, MODEL)
    for each in model.get("operator_sets", []):
        domain = _text(each.get("domain"))
        if domain not in ALLOWED:
            raise RefusedError(f"It has operators of the domain {domain}.")
    if "graph" not in model:
        raise RefusedError("It has no graph.")
    _check_nodes(model["graph"])


def _check_nodes(graph: Read) -> None:
    nodes = graph.get("nodes", [])
    if len(nodes) > _MOST_NODES:
        raise RefusedError(f"It has {len(nodes)} nodes, and {_MOST_NODES} are allowed.")
    for what in ("inputs", "outputs"):
        if len(graph.get(what, [])) > _MOST_ENDS:
            raise RefusedError(f"It has more than {_MOST_ENDS} {what}.")
    for info in [*graph.get("inputs", []), *graph.get("outputs", []), *graph.get("values", [])]:
        _text(info.get("name"))
        for each in info.get("type", {}).get("tensor", {}).get("shape", {}).get("dimensions", []):
            _text(each.get("parameter"))
    sizes = _Sizes()
    for tensor in graph.get("tensors", []):
        sizes.constants[_text(tensor.get("name"))] = _check_tensor(tensor)
    for node in nodes:
        domain, operator = _text(node.get("domain")), _text(node.get("operator"))
        if operator not in ALLOWED.get(domain, ()):
            raise RefusedError(f"It has the operator {operator} of {domain or 'ai.onnx'}.")
        _text(node.get("name"))
        tensors = [_check_attribute(each) for each in node.get("attributes", [])]
        if operator in WINDOWED and any(
            abs(n) > LARGEST_MARGIN for ints in tensors for n in ints or ()
        ):
            raise RefusedError(f"It has a node {operator} with a size above {LARGEST_MARGIN}.")
        names = [_text(name) for name in node.get("inputs", [])]
        outputs = [_text(name) for name in node.get("outputs", [])]
        sizes.follow(operator, names, outputs, tensors)


def _check_attribute(attribute: Read) -> tuple[int, ...] | None:
    """Return the integers that an attribute holds, if it holds a few."""
    _text(attribute.get("name"))
    if "tensor" in attribute:
        return _check_tensor(attribute["tensor"])
    ints = attribute.get("ints")
    return tuple(ints.integers()) if ints and ints.count <= _FEW else None


def _check_tensor(tensor: Read) -> tuple[int, ...] | None:
    """Return the integers of a tensor, if it holds a few."""
    _text(tensor.get("name"))
    if tensor.get("location", 0):
        raise RefusedError("It has data in another file.")
    kind = tensor.get("type", 0)
    if kind not in _ELEMENTS:
        raise RefusedError(f"It has a tensor of elements of the type {kind}.")
    dims: Numbers = tensor.get("dims", Numbers())
    if dims.count > _MOST_DIMENSIONS:
        raise RefusedError(f"It has a tensor of {dims.count} dimensions.")
    shape = dims.integers()
    if any(size < 0 for size in shape):
        raise RefusedError("It has a tensor of a size below zero.")
    width, name = _ELEMENTS[kind]
    held = [each for each in _FIELDS if each in tensor]
    if "raw" in tensor and (held or not width):
        raise RefusedError("It has a tensor that is given twice.")
    if held and held != [name]:
        raise RefusedError("It has a tensor whose elements are of another type.")
    data: Any = tensor.get("raw", tensor.get(name, b""))
    count = data.count if isinstance(data, Numbers) else len(data)
    if count != prod(shape) * (width if "raw" in tensor else 1):
        raise RefusedError("It has a tensor that does not hold as many elements as it says.")
    if kind not in _INTEGERS or prod(shape) > _FEW:
        return None
    if isinstance(data, Numbers):
        return tuple(data.integers())
    return tuple(np.frombuffer(data, _INTEGERS[kind]).tolist())


class _Sizes:
    """What is known of the tensors that may say how large another one is."""

    def __init__(self) -> None:
        self.constants: dict[str, tuple[int, ...] | None] = {"": None}
        """Those of the graph itself, and their integers where these are few."""
        self._of_shapes: set[str] = set()
        """Those that follow from the sizes of others, and from no value."""

    def follow(
        self,
        operator: str,
        inputs: list[str],
        outputs: list[str],
        attributes: list[tuple[int, ...] | None],
    ) -> None:
        """Take note of a node's outputs, and check the size that it is given."""
        if operator in SIZES_FROM:
            at = SIZES_FROM[operator]
            self._check_size(operator, inputs[at] if at < len(inputs) else "")
        if operator == "Constant":
            self.constants |= dict.fromkeys(outputs, attributes[0] if attributes else None)
        elif operator == "Identity" and inputs[:1] and inputs[0] in self.constants:
            self.constants |= dict.fromkeys(outputs, self.constants[inputs[0]])
        elif operator in {"Shape", "Size"} or (
            inputs and all(name in self.constants or name in self._of_shapes for name in inputs)
        ):
            self._of_shapes |= set(outputs)

    def _check_size(self, operator: str, name: str) -> None:
        if name in self._of_shapes:
            return
        if name not in self.constants or not name:
            raise RefusedError(f"It has a node {operator} whose size follows from a value.")
        sizes = self.constants[name]
        if sizes is None or any(s < -1 for s in sizes) or _elements(sizes) > _MOST_ELEMENTS:
            raise RefusedError(f"It has a node {operator} of more than {_MOST_ELEMENTS} elements.")


def _elements(sizes: tuple[int, ...]) -> int:
    return prod(max(1, size) for size in sizes)


def _text(value: memoryview | None) -> str:
    """Return a name.

    Raises:
        RefusedError: it is too long, is not UTF-8, or has a control character.
    """
    if value is None:
        return ""
    if len(value) > _MOST_CHARACTERS:
        raise RefusedError(f"It has a name of more than {_MOST_CHARACTERS} characters.")
    try:
        text = str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("It has a name that is no text.") from error
    if has_control(text):
        raise RefusedError("It has a name with a control character.")
    return text
