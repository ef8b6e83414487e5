"""Steps that prepare columns as ONNX graphs: gaps filled, categories looked up, numbers scaled.

Text reaches a graph with `MISSING` in place of None; numbers are doubles, with NaN where missing.
"""

import warnings
from typing import Any

import numpy as np
from skl2onnx.common.data_types import Int64TensorType, StringTensorType

from model_store.compile.feed import MISSING
from model_store.compile.onnx_graph import BOOL, DOUBLE, FLOAT, ML_DOMAIN, Graph, NotCompilableError

_NEVER_SEEN = "\x00never seen in training"


def convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    """Convert a SimpleImputer, with or without indicators of what was missing."""
    graph = Graph(scope, operator, container)
    imputer = graph.step
    missing = _missing(graph, imputer.missing_values)
    statistics = np.array(imputer.statistics_)
    if isinstance(graph.input_type, StringTensorType):
        if imputer.keep_empty_features is False and any(s is None for s in statistics):
            raise NotCompilableError("Its imputer drops a column of text.")
        fill = graph.constant([_text_of(value) for value in statistics])
        kept = graph.node("Where", missing, fill, graph.rows)
    else:
        statistics = statistics.astype(np.float64)
        kept = graph.node("Where", missing, graph.constant(statistics), graph.doubles())
        dropped = np.isnan(statistics)
        if dropped.any():
            kept = _columns(graph, kept, np.flatnonzero(~dropped))
    if imputer.indicator_ is None:
        graph.finish(kept)
        return
    if isinstance(graph.input_type, StringTensorType):
        raise NotCompilableError("Its imputer adds indicators to text.")
    shown = graph.cast(_columns(graph, missing, imputer.indicator_.features_), DOUBLE)
    graph.finish(graph.node("Concat", kept, shown, axis=1))


def convert_encoder(scope: Any, operator: Any, container: Any) -> None:
    """Convert an encoder of categories, a column at a time, to a table that is looked up.

    The tables are what the encoder itself answers for each category it knows, and for one that it
    does not: whatever its settings are, they are in there.
    """
    graph = Graph(scope, operator, container)
    encoder = graph.step
    if getattr(encoder, "handle_unknown", "") == "error":
        raise NotCompilableError(
            f"{type(encoder).__name__}(handle_unknown='error') refuses values that training did "
            "not see, which a graph cannot: use another handle_unknown."
        )
    blocks = []
    for place, categories in enumerate(encoder.categories_):
        table = _encoded(encoder, place)
        column, kind = graph.inputs[min(place, len(graph.inputs) - 1)]
        if len(graph.inputs) == 1:
            column = graph.node("Gather", column, graph.constant([place]), axis=1)
        flat = graph.node("Squeeze", column, graph.constant([1]))
        index = _looked_up(graph, flat, kind, categories)
        blocks.append(graph.node("Gather", graph.constant(table), index))
    graph.finish(blocks[0] if len(blocks) == 1 else graph.node("Concat", *blocks, axis=1))


def convert_scaler(scope: Any, operator: Any, container: Any) -> None:
    """Convert a scaler, in double precision and in its own order of operations."""
    graph = Graph(scope, operator, container)
    scaler = graph.step
    name = type(scaler).__name__
    rows = graph.doubles()
    if name == "MinMaxScaler":
        rows = graph.node("Mul", rows, graph.constant(scaler.scale_))
        rows = graph.node("Add", rows, graph.constant(scaler.min_))
        if scaler.clip:
            low, high = (graph.constant(np.float64(end)) for end in scaler.feature_range)
            # Min and Max would turn a missing value into a number.
            rows = graph.node("Where", graph.node("Less", rows, low), low, rows)
            rows = graph.node("Where", graph.node("Greater", rows, high), high, rows)
    else:
        shift = getattr(scaler, "mean_" if name == "StandardScaler" else "center_", None)
        is_shifted = getattr(scaler, "with_mean", getattr(scaler, "with_centering", False))
        if is_shifted and shift is not None:
            rows = graph.node("Sub", rows, graph.constant(shift))
        if getattr(scaler, "with_std", getattr(scaler, "with_scaling", True)):
            rows = graph.node("Div", rows, graph.constant(scaler.scale_))
    graph.finish(rows)


def _text_of(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise NotCompilableError("It puts numbers into a column of text.")
    return MISSING if value is None else value


def _missing(graph: Graph, missing_values: Any) -> str:
    if isinstance(graph.input_type, StringTensorType):
        if missing_values is not None:
            raise NotCompilableError("Its imputer takes something else than None for missing text.")
        # Not by Equal: a constant of the runtime ends at its first NUL.
        found = graph.node(
            "LabelEncoder",
            graph.rows,
            domain=ML_DOMAIN,
            keys_strings=[MISSING],
            values_int64s=[1],
            default_int64=0,
        )
        return graph.cast(found, BOOL)
    if not (isinstance(missing_values, float) and np.isnan(missing_values)):
        raise NotCompilableError("Its imputer takes something else than NaN for a missing number.")
    return graph.node("IsNaN", graph.doubles())


def _columns(graph: Graph, rows: str, places: Any) -> str:
    return graph.node("Gather", rows, graph.constant(np.asarray(places, dtype=np.int64)), axis=1)


def _encoded(encoder: Any, place: int) -> np.ndarray:
    """Return what an encoder answers for each category of a column, then for an unknown one."""
    known = encoder.categories_[place]
    is_text = known.dtype == object
    unknown = _NEVER_SEEN if is_text else _unknown(known)
    rows = np.empty((len(known) + 1, len(encoder.categories_)), dtype=object)
    for other, categories in enumerate(encoder.categories_):
        rows[:, other] = categories[0]
    rows[:-1, place] = known
    rows[-1, place] = unknown
    if not is_text and all(found.dtype.kind in "bifu" for found in encoder.categories_):
        rows = rows.astype(np.float64)
    with warnings.catch_warnings():
        # That a value is unknown, and that these rows have no column names, is on purpose.
        warnings.simplefilter("ignore")
        encoded = encoder.transform(rows)
    table = np.asarray(encoded.todense() if hasattr(encoded, "todense") else encoded)
    varying = _places_of(encoder, place, table.shape[1])
    return table[:, varying].astype(np.float64)


def _places_of(encoder: Any, place: int, width: int) -> slice:
    """Return which columns of an encoder's answer belong to one of its inputs."""
    inputs = len(encoder.categories_)
    if not hasattr(encoder, "_n_features_outs"):
        if width % inputs:
            raise NotCompilableError(f"{type(encoder).__name__} gives columns of unequal widths.")
        return slice(place * width // inputs, (place + 1) * width // inputs)
    ends = np.cumsum([0, *encoder._n_features_outs])  # noqa: SLF001 - nothing public has it
    return slice(int(ends[place]), int(ends[place + 1]))


def _unknown(known: np.ndarray) -> float:
    numbers = known.astype(np.float64)
    numbers = numbers[~np.isnan(numbers)]
    # Greater than every one of them.
    return float(np.abs(numbers).max()) * 2 + 1 if len(numbers) else 0.0


def _looked_up(graph: Graph, values: str, kind: Any, categories: np.ndarray) -> str:
    """Return the place of each value among the categories; beyond the last one if it is none."""
    places = np.arange(len(categories))
    if isinstance(kind, StringTensorType):
        keys = [_text_of(category) for category in categories]
        return graph.node(
            "LabelEncoder",
            values,
            domain=ML_DOMAIN,
            keys_strings=keys,
            values_int64s=places.tolist(),
            default_int64=len(places),
        )
    if categories.dtype.kind == "M":
        categories = categories.astype("datetime64[us]").astype(np.int64)
    if isinstance(kind, Int64TensorType):
        known = graph.constant(categories)
    else:
        values = graph.cast(values, DOUBLE)
        known = graph.constant(categories.astype(np.float64))
    row = graph.node("Unsqueeze", values, graph.constant([1]))
    same = graph.node("Equal", row, known)
    if categories.dtype.kind == "f" and np.isnan(categories).any():
        is_missing = graph.node("IsNaN", row)
        of_missing = graph.node("And", is_missing, graph.constant(np.isnan(categories)))
        same = graph.node("Or", same, of_missing)
    # What is the same counts two, and one more place than all counts one: the greatest is right.
    doubled = graph.node("Mul", graph.cast(same, FLOAT), graph.constant(np.float32(2)))
    last = graph.node(
        "Expand", graph.constant(np.ones((1, 1), np.float32)), graph.node("Shape", row)
    )
    return graph.node("ArgMax", graph.node("Concat", doubled, last, axis=1), axis=1, keepdims=0)
