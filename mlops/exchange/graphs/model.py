"""A graph of ONNX from elsewhere, made into one that the service feeds and reads like its own.

Only an import's own process reads it. Nodes are added before and behind; those between stay.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
from onnx import compose, helper, inliner

from mlops.exchange.graphs.answers import Exits, exits_of
from mlops.exchange.graphs.inputs import PREFIX, entries_of, wants_of
from mlops.exchange.graphs.inputs import feed as feed_before
from mlops.exchange.graphs.labels import Meaning, meaning_of, typed
from mlops.exchange.graphs.tail import finished
from mlops.exchange.wants import Examples, Made, Wants
from model_store import golden
from model_store.bundle import Compilation
from model_store.compile.feed import FEED, Feeder, read_feed
from model_store.compile.onnx_predictor import OnnxPredictor, open_session
from model_store.errors import RefusedError
from model_store.manifest import Compiled
from model_store.schema.arrays.array_cells import arrays_of
from model_store.schema.columns import Columns
from model_store.schema.prediction import answers

_MOST_BYTES = 2**30
_OLDEST = 9
"""Of the standard's operator sets: our nodes mean the same from this one on."""
_LEAST_FORMAT = 8
_AT_ONCE = 500
_ONE_BY_ONE = 10
_EXPORT = "export it so that the number of rows may vary (dynamic_shapes, dynamic_axes)"


class GraphSource:
    """A graph from elsewhere, as a `Source`."""

    def __init__(
        self, model: Any, types: dict[str, str], *, labels: list[str], output: str, scores: str
    ) -> None:
        """Look at a graph.

        Raises:
            RefusedError: its inputs or outputs are none that can be served.
        """
        self._model = model
        self._entries = entries_of(model.graph)
        self._exits = exits_of(model.graph, output)
        self._given = typed(labels)
        self._scores = scores
        self.wants = _with_answers(wants_of(self._entries, types), self._exits, self._given)

    def made(self, examples: Examples) -> Made:
        """Return the graph as one that takes the columns of the examples.

        Raises:
            ModelStoreError: it cannot be; the sentence says what to do.
        """
        raw = _assembled(self._model, self._entries, self._exits, examples)
        columns = arrays_of(examples.inputs, examples.signature.inputs)
        label, numbers = _asked(raw, self._exits, columns, examples)
        found = meaning_of(self._exits, label, numbers, examples, self._given, self._scores)
        model = finished(raw, self._exits, found)
        content = model.SerializeToString()
        compiled = Compiled(labels=found.labels, probabilities=found.has_probabilities)
        predictor = OnnxPredictor(content, examples.signature, compiled)
        _check_single(predictor, columns, examples)
        _check_labels(predictor, columns, found, label)
        return Made(
            predictor,
            content,
            "onnx",
            compilation=Compilation(content, compiled),
            notes=found.notes,
        )


def read_graph(
    path: Path, types: dict[str, str], *, labels: list[str], output: str, scores: str
) -> GraphSource:
    """Return the graph in a file, with what it keeps in files beside.

    Raises:
        RefusedError: it is none, is too large, or cannot be served.
    """
    try:
        model = onnx.load(str(path))
    except Exception as error:
        # Protocol Buffers and onnx have errors of their own.
        raise RefusedError(f"{path.name} cannot be read as ONNX ({error}).") from error
    if model.ByteSize() > _MOST_BYTES:
        raise RefusedError(f"{path.name} is larger than 1 GiB.")
    if not model.graph.node:
        raise RefusedError(f"{path.name} is no ONNX model, or one without any operator.")
    versions = {each.domain: each.version for each in model.opset_import}
    if versions.get("", versions.get("ai.onnx", _OLDEST)) < _OLDEST:
        raise RefusedError(f"{path.name} is of an operator set before {_OLDEST}: export it again.")
    if model.functions:
        model = inliner.inline_local_functions(model)
    return GraphSource(model, types, labels=labels, output=output, scores=scores)


def _with_answers(wants: Wants, exits: Exits, given: tuple[Any, ...]) -> Wants:
    is_classifier = bool(exits.label or given or (exits.width or 0) > 1)
    return replace(
        wants,
        task="classification" if is_classifier else None,
        classes=given or exits.labels,
        naming=", or say what the model's own stand for, in order: --labels A,B,C",
    )


def _assembled(model: Any, entries: list[Any], exits: Exits, examples: Examples) -> Any:
    """Return a model that takes our blocks of columns and gives the graph's own answers."""
    changed = compose.add_prefix(model, PREFIX)
    graph = changed.graph
    fed = feed_before(entries, examples.signature)
    own = list(graph.node)
    outputs = [each for each in graph.output if each.name.removeprefix(PREFIX) in exits[:2]]
    for each in outputs:
        # The file may say a fixed number of rows.
        each.type.tensor_type.ClearField("shape")
    kept = [onnx.ValueInfoProto.FromString(each.SerializeToString()) for each in outputs]
    for field in ("node", "input", "output", "value_info"):
        del getattr(graph, field)[:]
    graph.node.extend([*fed.nodes, *own])
    graph.input.extend(fed.inputs)
    graph.output.extend(kept)
    graph.initializer.extend(fed.constants)
    # What it says of itself is not ours, which say how a graph is fed.
    del changed.metadata_props[:]
    if fed.feed.arrays:
        helper.set_model_props(changed, {FEED: msgspec.json.encode(fed.feed).decode()})
    changed.ir_version = max(changed.ir_version, _LEAST_FORMAT)
    return changed


def _asked(
    model: Any, exits: Exits, columns: Columns, examples: Examples
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return what a graph answers to the examples: its labels, `(rows,)`, and its numbers."""
    session = open_session(model.SerializeToString())
    types = {each.name: each.type for each in session.get_inputs()}
    feed = read_feed(session.get_modelmeta().custom_metadata_map, examples.signature)
    feeder = Feeder(feed, examples.signature, types)
    names = [name for name in exits[:2] if name]
    rows = len(examples.truth)
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for first in range(0, rows, _AT_ONCE):
        part = {name: array[first : first + _AT_ONCE] for name, array in columns.items()}
        count = min(_AT_ONCE, rows - first)
        given = _run(session, [PREFIX + name for name in names], feeder.inputs(part))
        for name, array in zip(names, given, strict=True):
            if not array.shape or array.shape[0] != count:
                raise RefusedError(
                    f'The output "{name}" has the shape {array.shape} for {count} rows: {_EXPORT}.'
                )
            found[name].append(array.reshape(count, -1))
    label = np.concatenate(found[exits.label]) if exits.label else None
    if label is not None and label.shape[1] != 1:
        raise RefusedError(f'The output "{exits.label}" has several labels a row.')
    numbers = np.concatenate(found[exits.numbers]).astype(np.float64) if exits.numbers else None
    return None if label is None else label[:, 0], numbers


def _run(session: Any, names: list[str], fed: dict[str, np.ndarray]) -> list[np.ndarray]:
    try:
        return [np.asarray(each) for each in session.run(names, fed)]
    except Exception as error:
        one = {name: array[:1] for name, array in fed.items()}
        try:
            session.run(names, one)
        except Exception as again:
            raise RefusedError(f"The graph does not run on the examples ({again}).") from again
        raise RefusedError(f"The graph answers one row at a time: {_EXPORT}.") from error


def _check_single(predictor: OnnxPredictor, columns: Columns, examples: Examples) -> None:
    """See that a row is answered the same alone as among others."""
    few = {name: array[:_ONE_BY_ONE] for name, array in columns.items()}
    together = _rows(predictor, few, examples)
    alone = [
        _rows(predictor, {name: array[at : at + 1] for name, array in few.items()}, examples)[0]
        for at in range(len(together))
    ]
    if golden.difference(together, alone, examples.signature) is not None:
        raise RefusedError(
            "The graph answers a row otherwise among other rows than alone: export it for "
            "inference (`model.eval()`), and so that the number of rows may vary."
        )


def _rows(predictor: OnnxPredictor, columns: Columns, examples: Examples) -> list[dict[str, Any]]:
    asked = predictor.predict(columns, probabilities=bool(predictor.classes))
    return answers(asked, examples.signature, predictor.classes)


def _check_labels(
    predictor: OnnxPredictor, columns: Columns, found: Meaning, label: np.ndarray | None
) -> None:
    """See that labels and probabilities stand in one order."""
    if label is None or not found.has_probabilities:
        return
    shares = predictor.predict(columns, probabilities=True).probabilities
    if shares is None:
        return
    likeliest = np.array(found.keys, dtype=object)[shares.argmax(axis=1)]
    share = float(np.mean(likeliest == label.astype(object)))
    if share < found.least_agreement:
        raise RefusedError(
            f"The graph's label is the one of the greatest probability in {share:.0%} of the "
            "examples alone, so that the order of its labels is unknown: say --labels."
        )
