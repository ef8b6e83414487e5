"""The outputs of a graph from elsewhere, and what of them is a label, a probability, an amount."""

from typing import Any, NamedTuple

import numpy as np
from onnx import TensorProto

from model_store.compile.onnx_graph import ML_DOMAIN
from model_store.errors import RefusedError

SCORES = ("probabilities", "logits", "log-probabilities")
"""What the numbers of a classifier may be."""
_FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}
_LABELS = {TensorProto.INT64, TensorProto.INT32, TensorProto.STRING}
_CLASSIFIERS = {"TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier"}
_CLASS_ATTRIBUTES = (
    "classlabels_strings",
    "classlabels_int64s",
    "classlabels_ints",
)
_NEARLY = 1e-3


class Exits(NamedTuple):
    """What a graph answers with."""

    label: str = ""
    """The name of the output that holds labels; empty: none does."""
    numbers: str = ""
    """The name of the output of numbers; empty: none."""
    labels: tuple[Any, ...] = ()
    """The labels of the columns of the numbers, where the graph says it."""
    width: int | None = None
    """How many numbers a row has, where the graph says it."""


def exits_of(graph: Any, chosen: str = "") -> Exits:
    """Return what a graph answers with; a last step that makes dictionaries is taken out of it.

    Raises:
        RefusedError: it has several answers, and none of them was chosen.
    """
    labels = _without_maps(graph)
    outputs = {each.name: each.type.tensor_type for each in graph.output}
    named = [name for name, kind in outputs.items() if kind.elem_type in _LABELS]
    numbers = [name for name, kind in outputs.items() if kind.elem_type in _FLOATS]
    if chosen:
        if chosen not in outputs:
            raise RefusedError(f'The graph has no output "{chosen}": it has {", ".join(outputs)}.')
        named = [name for name in named if name == chosen]
        numbers = [name for name in numbers if name == chosen]
    if len(named) > 1 or len(numbers) > 1 or not (named or numbers):
        raise RefusedError(
            f"The graph has the outputs {', '.join(outputs)}: say which one answers, --output NAME."
        )
    width = None
    if numbers:
        sizes = outputs[numbers[0]].shape.dim
        if len(sizes) > 1 and sizes[1].HasField("dim_value"):
            width = sizes[1].dim_value
        if len(sizes) == 1:
            width = 1
    return Exits(
        label=named[0] if named else "",
        numbers=numbers[0] if numbers else "",
        labels=labels or (_declared(graph) if named else ()),
        width=width,
    )


def meaning(numbers: np.ndarray, said: str = "") -> str:
    """Return what the numbers of a classifier are, by those of the examples, `(rows, classes)`.

    Raises:
        RefusedError: they may be several things, or it is no such thing that was said.
    """
    if said:
        if said not in SCORES:
            raise RefusedError(f"--scores {said}: say {', '.join(SCORES)}.")
        return said
    lies_within = bool((numbers >= -_NEARLY).all() and (numbers <= 1 + _NEARLY).all())
    if numbers.shape[1] == 1:
        return "probabilities" if lies_within else "logits"
    if lies_within and np.allclose(numbers.sum(axis=1), 1, atol=_NEARLY):
        return "probabilities"
    with np.errstate(over="ignore"):
        sums = np.exp(numbers.astype(np.float64)).sum(axis=1)
    if (numbers <= _NEARLY).all() and np.allclose(sums, 1, atol=_NEARLY):
        return "log-probabilities"
    if lies_within:
        raise RefusedError(
            "The numbers of each row lie between 0 and 1 and do not add up to 1: they may be "
            "logits, or each a probability by itself, of which several can hold. If they are "
            "logits, say --scores logits."
        )
    return "logits"


def _without_maps(graph: Any) -> tuple[Any, ...]:
    """Take the last step out that makes a dictionary of each row; return its keys."""
    found: tuple[Any, ...] = ()
    for node in [node for node in graph.node if node.op_type == "ZipMap"]:
        for attribute in node.attribute:
            if attribute.name == "classlabels_strings":
                found = tuple(text.decode() for text in attribute.strings)
            elif attribute.name == "classlabels_int64s":
                found = tuple(attribute.ints)
        for output in graph.output:
            if output.name == node.output[0]:
                output.name = node.input[0]
                output.type.Clear()
                output.type.tensor_type.elem_type = TensorProto.FLOAT
                shape = output.type.tensor_type.shape
                shape.dim.add().dim_param = "rows"
                shape.dim.add().dim_value = len(found)
        graph.node.remove(node)
    return found


def _declared(graph: Any) -> tuple[Any, ...]:
    """Return the labels of the last classifier in a graph; nothing where it has none."""
    for node in reversed(graph.node):
        if node.op_type in _CLASSIFIERS and node.domain == ML_DOMAIN:
            for attribute in node.attribute:
                if attribute.name in _CLASS_ATTRIBUTES:
                    return tuple(text.decode() for text in attribute.strings) or tuple(
                        attribute.ints
                    )
    return ()
