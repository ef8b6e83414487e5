"""The trees of CatBoost, read from the JSON that it writes itself."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from model_store.compile.converters.tree_ensemble import Tree
from model_store.compile.onnx_graph import NotCompilableError


class Ensemble(NamedTuple):
    """The trees of a model, which take single inputs and add doubles."""

    trees: list[Tree]
    baseline: np.ndarray
    """What the sum of each target starts from."""
    loss: str


class _Split(NamedTuple):
    feature: int
    border: np.float32
    is_gap_above: bool


def read_catboost(model: Any) -> Ensemble:
    """Return the trees of a CatBoost model.

    Raises:
        NotCompilableError: they compute what a graph cannot.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.json"
        model.save_model(str(file), format="json")
        found = json.loads(file.read_text(encoding="utf-8"))
    floats = found["features_info"].get("float_features", [])
    scale, bias = found["scale_and_bias"]
    baseline = np.array(bias, dtype=np.float64)
    if "oblivious_trees" in found:
        trees = [
            each
            for tree in found["oblivious_trees"]
            for each in _symmetric(tree, floats, len(baseline), scale)
        ]
    else:
        trees = [
            each for tree in found["trees"] for each in _free(tree, floats, len(baseline), scale)
        ]
    loss = found["model_info"]["params"]["loss_function"]["type"]
    return Ensemble(trees, baseline, loss)


def _split(fields: dict[str, Any], floats: Sequence[dict[str, Any]]) -> _Split:
    if fields["split_type"] != "FloatFeature":
        raise NotCompilableError(
            "It splits by categories as CatBoost counts them: it is compiled where its columns are "
            "numbers."
        )
    feature = floats[fields["float_feature_index"]]
    is_above = feature["nan_value_treatment"] == "AsTrue"
    return _Split(feature["flat_feature_index"], np.float32(fields["border"]), is_above)


def _symmetric(
    fields: dict[str, Any], floats: Sequence[dict[str, Any]], targets: int, scale: float
) -> Iterator[Tree]:
    """Yield a tree for each target: all nodes of a level ask the same."""
    splits = [_split(each, floats) for each in (fields.get("splits") or ())]
    levels = [[split] * 2**level for level, split in enumerate(reversed(splits))]
    nodes = [split for level in levels for split in level]
    inner = len(nodes)
    branches = np.arange(inner)
    ends = np.full(2 ** len(splits), -1)
    values = np.array(fields["leaf_values"]).reshape(len(ends), targets) * scale
    yield from _trees(
        nodes,
        np.concatenate([2 * branches + 1, ends]),
        np.concatenate([2 * branches + 2, ends]),
        np.concatenate([np.zeros((inner, targets)), values]),
    )


def _free(
    fields: dict[str, Any], floats: Sequence[dict[str, Any]], targets: int, scale: float
) -> Iterator[Tree]:
    """Yield a tree for each target, of a tree that grows as it likes."""
    waiting: list[dict[str, Any]] = [fields]
    nodes: list[_Split] = []
    left, right, values = [], [], []
    for node in waiting:  # it grows meanwhile
        if "split" in node:
            nodes.append(_split(node["split"], floats))
            left.append(len(waiting))
            right.append(len(waiting) + 1)
            waiting += [node["left"], node["right"]]
            values.append(np.zeros(targets))
        else:
            nodes.append(_Split(0, np.float32(0), is_gap_above=False))
            left.append(-1)
            right.append(-1)
            values.append(np.ravel(node["value"]) * scale)
    yield from _trees(nodes, np.array(left), np.array(right), np.array(values))


def _trees(
    nodes: Sequence[_Split], left: np.ndarray, right: np.ndarray, values: np.ndarray
) -> Iterator[Tree]:
    ends = [_Split(0, np.float32(0), is_gap_above=False)] * (len(left) - len(nodes))
    splits = [*nodes, *ends]
    for target in range(values.shape[1]):
        yield Tree(
            features=np.array([each.feature for each in splits]),
            thresholds=np.array([each.border for each in splits], dtype=np.float64),
            left=left,
            right=right,
            missing_left=np.array([not each.is_gap_above for each in splits]),
            weights=values[:, target],
            targets=np.full(len(left), target),
        )
