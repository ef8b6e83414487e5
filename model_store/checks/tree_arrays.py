"""Whether the arrays of a tree are one: indexes within, each node once, no deeper than it says."""

from typing import Any

import numpy as np
import numpy.typing as npt

_Ints = npt.NDArray[np.int64]
_DEEPEST = 100_000


def check_tree(tree: Any) -> None:
    """See that a `Tree` of scikit-learn can be walked.

    Raises:
        ValueError: it cannot.
    """
    count, depth = int(tree.node_count), int(tree.max_depth)
    if not 0 <= count <= int(tree.capacity) or not 0 <= depth <= _DEEPEST:
        raise ValueError("a tree has another number of nodes than it says")
    left, right = _ints(tree.children_left), _ints(tree.children_right)
    is_leaf = left == -1
    if (right[is_leaf] != -1).any():
        raise ValueError("a tree has a leaf with a branch")
    feature = _ints(tree.feature)[~is_leaf]
    if len(feature) and not 0 <= feature.min() <= feature.max() < int(tree.n_features):
        raise ValueError("a tree asks for a column that is not there")
    if tree.value.shape[:1] != (count,):
        raise ValueError("a tree has not one value a node")
    _check_branches(left, right, is_leaf, depth)


def check_predictor(predictor: Any) -> None:
    """See that a `TreePredictor` of histogram boosting can be walked.

    Raises:
        ValueError: it cannot.
    """
    nodes, sets = predictor.nodes, predictor.raw_left_cat_bitsets
    names = {"value", "feature_idx", "left", "right", "is_leaf", "is_categorical", "bitset_idx"}
    if nodes.ndim != 1 or not len(nodes) or not names <= set(nodes.dtype.names or ()):
        raise ValueError("a tree has no nodes")
    is_leaf = nodes["is_leaf"] != 0
    left, right = _ints(nodes["left"]), _ints(nodes["right"])
    feature = _ints(nodes["feature_idx"])[~is_leaf]
    if len(feature) and feature.min() < 0:
        raise ValueError("a tree asks for a column that is not there")
    by_set = ~is_leaf & (nodes["is_categorical"] != 0)
    for each in (sets, predictor.binned_left_cat_bitsets):
        if each.ndim != 2 or (len(each) and each.shape[1] != 8):  # noqa: PLR2004 - 256 bits
            raise ValueError("a tree has sets of another size")
        if by_set.any() and int(nodes["bitset_idx"][by_set].max()) >= len(each):
            raise ValueError("a tree asks for a set that is not there")
    _check_branches(left, right, is_leaf, _DEEPEST)


def check_space_tree(state: Any) -> None:
    """See that the state of a `KDTree` or a `BallTree` can be walked.

    Raises:
        ValueError: it cannot.
    """
    data, indexes, nodes, bounds = (np.asarray(each) for each in state[:4])
    count = len(data)
    if data.ndim != 2 or indexes.shape != (count,):  # noqa: PLR2004 - rows and columns
        raise ValueError("a tree has not one index a row")
    if count and not 0 <= indexes.min() <= indexes.max() < count:
        raise ValueError("a tree asks for a row that is not there")
    starts, ends = nodes["idx_start"], nodes["idx_end"]
    if not ((starts >= 0) & (starts <= ends) & (ends <= count)).all():
        raise ValueError("a node of a tree has rows that are not there")
    # The branches of a node have the numbers 2 n + 1 and 2 n + 2.
    last = nodes["is_leaf"][(len(nodes) - 1) // 2 :]
    if not len(nodes) or not last.all():
        raise ValueError("a tree has a branch that is not there")
    if bounds.ndim != 3 or bounds.shape[1:] != (len(nodes), data.shape[1]):  # noqa: PLR2004
        raise ValueError("a tree has not one bound a node")


def _check_branches(left: _Ints, right: _Ints, is_leaf: npt.NDArray[np.bool_], depth: int) -> None:
    """See that each node but the first is one other's branch, and that none is too deep."""
    count = len(left)
    branches = np.concatenate([left[~is_leaf], right[~is_leaf]])
    if not count or (len(branches) and not 0 < branches.min() <= branches.max() < count):
        raise ValueError("a tree has a branch that is not there")
    if len(np.unique(branches)) < len(branches):
        raise ValueError("a tree has a node with two ways to it")
    level, passed = np.zeros(1, np.int64), 0
    while True:
        inner = level[~is_leaf[level]]
        if not len(inner):
            return
        passed += 1
        if passed > depth:
            raise ValueError("a tree is deeper than it says")
        level = np.concatenate([left[inner], right[inner]])


def _ints(array: Any) -> _Ints:
    found = np.asarray(array)
    if found.dtype.kind not in "iu":
        raise ValueError("a tree has an index that is no integer")
    return found.astype(np.int64)
