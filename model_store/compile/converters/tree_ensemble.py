"""Binary trees as one node of an ONNX graph, which adds up the leaves that a row reaches."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from onnx import numpy_helper

from model_store.compile.onnx_graph import ML_DOMAIN, Graph

_LEQ, _MEMBER = 0, 6
"""Modes of a node: below a threshold or on it, or in a set."""


class Tree(NamedTuple):
    """A binary tree; each array has one element a node, the root first. A leaf has no left."""

    features: np.ndarray
    thresholds: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    weights: np.ndarray
    """What a leaf adds."""
    targets: np.ndarray
    """Which sum a leaf adds it to."""
    sets: dict[int, Sequence[int]] | None = None
    """Of nodes that split by categories: the numbers that go left; a gap goes where it says."""


def boosted(
    graph: Graph, rows: str, trees: Sequence[Tree], baseline: np.ndarray, dtype: Any = np.float64
) -> str:
    """Add a node that sums each target's leaves and what it starts from, `(rows, targets)`."""
    # What boosting starts from is the first leaf that is added, so that sums are made in its order.
    starts = [_single_leaf(value, target) for target, value in enumerate(baseline)]
    return ensemble(graph, rows, [*starts, *trees], len(baseline), dtype)


def _single_leaf(value: float, target: int) -> Tree:
    none, zero = np.array([-1]), np.array([0])
    return Tree(zero, zero, none, none, zero, np.array([value]), np.array([target]))


def ensemble(
    graph: Graph, rows: str, trees: Sequence[Tree], targets: int, dtype: Any = np.float32
) -> str:
    """Add a node that sums each target's leaves, in the trees' order, `(rows, targets)`."""
    parts: dict[str, list[Any]] = {name: [] for name in _EMPTY}
    roots: list[int] = []
    members: list[float] = []
    nodes = leaves = 0
    for tree in trees:
        grown = _grown(tree)
        is_leaf = grown.left < 0
        place = np.empty(len(is_leaf), dtype=np.int64)
        place[~is_leaf] = nodes + np.arange((~is_leaf).sum())
        place[is_leaf] = leaves + np.arange(is_leaf.sum())
        inner = np.flatnonzero(~is_leaf)
        left, right = grown.left[inner], grown.right[inner]
        roots.append(int(place[0]))
        parts["nodes_featureids"].append(grown.features[inner])
        parts["nodes_splits"].append(grown.thresholds[inner])
        parts["nodes_missing_value_tracks_true"].append(grown.missing_left[inner])
        parts["nodes_truenodeids"].append(place[left])
        parts["nodes_trueleafs"].append(is_leaf[left])
        parts["nodes_falsenodeids"].append(place[right])
        parts["nodes_falseleafs"].append(is_leaf[right])
        modes = np.full(len(inner), _LEQ, dtype=np.uint8)
        if grown.sets:
            modes[np.isin(inner, list(grown.sets))] = _MEMBER
            sets = [grown.sets[node] for node in sorted(grown.sets)]
            members += chain.from_iterable((*each, np.nan) for each in sets)
        parts["nodes_modes"].append(modes)
        parts["leaf_weights"].append(grown.weights[is_leaf])
        parts["leaf_targetids"].append(grown.targets[is_leaf])
        nodes += len(inner)
        leaves += int(is_leaf.sum())
    found = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    splits = _rounded_down(found.pop("nodes_splits"), dtype)
    weights = found.pop("leaf_weights").astype(dtype)
    modes = found.pop("nodes_modes")
    listed = numpy_helper.from_array(np.array(members, dtype=dtype), "members")
    return graph.node(
        "TreeEnsemble",
        rows,
        domain=ML_DOMAIN,
        op_version=1,
        tree_roots=roots,
        n_targets=targets,
        aggregate_function=1,
        post_transform=0,
        nodes_modes=numpy_helper.from_array(modes, "modes"),
        nodes_splits=numpy_helper.from_array(splits, "splits"),
        leaf_weights=numpy_helper.from_array(weights, "weights"),
        **({"membership_values": listed} if members else {}),
        **{name: array.astype(np.int64).tolist() for name, array in found.items()},
    )


_EMPTY = (
    "nodes_featureids",
    "nodes_modes",
    "nodes_splits",
    "nodes_missing_value_tracks_true",
    "nodes_truenodeids",
    "nodes_trueleafs",
    "nodes_falsenodeids",
    "nodes_falseleafs",
    "leaf_weights",
    "leaf_targetids",
)


def _grown(tree: Tree) -> Tree:
    """Return a tree that has a split: to a lone leaf one is added that makes no difference."""
    if len(tree.left) > 1:
        return tree
    return Tree(
        features=np.zeros(3, dtype=np.int64),
        thresholds=np.zeros(3),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        missing_left=np.zeros(3, dtype=np.int64),
        weights=tree.weights[[0, 0, 0]],
        targets=tree.targets[[0, 0, 0]],
    )


def _rounded_down(thresholds: np.ndarray, dtype: Any) -> np.ndarray:
    """Return thresholds in a dtype, none greater than it was."""
    rounded: np.ndarray = thresholds.astype(dtype)
    down = np.nextafter(rounded, dtype(-np.inf))
    return np.where(rounded > thresholds, down, rounded).astype(dtype)
