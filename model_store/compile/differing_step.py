"""Which step of a compiled form gives other columns than scikit-learn's: the cause of a refusal."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
import pandas as pd

from model_store.compile.feed import MISSING, MOMENTS, TEXTS, Feeder, read_feed
from model_store.golden import RELATIVE_TOLERANCE
from model_store.schema.columns import Columns
from model_store.schema.signature import Signature


class Step(NamedTuple):
    """A step that was converted by itself."""

    where: str
    """What a sentence calls it."""
    step: Any
    """Fitted."""
    inputs: Sequence[tuple[str, str]]
    """Tensor and kind of what it takes."""
    output: str
    names: Sequence[str]
    """Of the columns that it gives."""


def differing_step(
    graph: bytes, steps: Sequence[Step], signature: Signature, columns: Columns
) -> str:
    """Return which step first gives other columns, and which one; empty where none does.

    Args:
        graph: the compiled form.
        steps: in the order of the graph.
        signature: of the columns.
        columns: rows for which both forms answered differently.
    """
    model = onnx.load_from_string(graph)
    wanted = {name for step in steps for name, _ in step.inputs} | {s.output for s in steps}
    known = {each.name for each in (*model.graph.input, *model.graph.output)}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(wanted - known))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    metadata = {each.key: each.value for each in model.metadata_props}
    types = {found.name: found.type for found in session.get_inputs()}
    feed = Feeder(read_feed(metadata, signature), signature, types).inputs(columns)
    names = sorted(wanted - set(feed))
    found = {**feed, **dict(zip(names, session.run(names, feed), strict=True))}
    for step in steps:
        differing = _differing(step, found)
        if differing is not None:
            return f'{step.where} gives another "{step.names[differing]}" than scikit-learn'
    return ""


def _differing(step: Step, found: dict[str, np.ndarray]) -> int | None:
    """Return the place of the first column that differs, of a step that is given the same."""
    parts = [_table(found[name], kind) for name, kind in step.inputs]
    given: Any = pd.concat(parts, axis=1)
    given.columns = getattr(step.step, "feature_names_in_", range(given.shape[1]))
    given = given if hasattr(step.step, "feature_names_in_") else given.to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = step.step.transform(given)
    expected = np.asarray(expected.todense() if hasattr(expected, "todense") else expected)
    made = found[step.output]
    if made.dtype == object:
        same = (_texts(made) == expected).all(axis=0)
    else:
        expected = expected.astype(np.float64)
        near = np.isclose(made, expected, rtol=RELATIVE_TOLERANCE, atol=0, equal_nan=True)
        same = near.all(axis=0)
    return None if same.all() else int(np.argmin(same))


def _table(block: np.ndarray, kind: str) -> pd.DataFrame:
    if kind == TEXTS:
        # As the estimator gets them: pandas would make one of its own missing values of None.
        return pd.DataFrame(_texts(block), dtype=object)
    return pd.DataFrame(block.view("datetime64[us]") if kind == MOMENTS else block)


def _texts(block: np.ndarray) -> np.ndarray:
    texts = block.astype(object)
    texts[texts == MISSING] = None
    return texts
