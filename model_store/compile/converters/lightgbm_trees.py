"""The trees of LightGBM, read from the text that it writes itself."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from model_store.compile.converters.tree_ensemble import Tree
from model_store.compile.onnx_graph import NotCompilableError

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_NONE, _ZERO = 0, 1
"""Of what counts as missing; the third is NaN."""
_WORD = 32


class Ensemble(NamedTuple):
    """The trees of a booster, and what becomes of their sums."""

    trees: list[Tree]
    targets: int
    objective: str
    """Its name."""
    options: dict[str, str]
    """Of the objective: "" where one has no value."""
    is_mean: bool
    """Whether the sum is divided by the number of rounds, as in a random forest."""
    categories: tuple[int, ...]
    """The columns that are split by categories, which are cut to whole numbers first."""


def read_lightgbm(booster: Any) -> Ensemble:
    """Return the trees of a `lightgbm.Booster`, up to its best round where it stopped early.

    Raises:
        NotCompilableError: they compute what a graph cannot.
    """
    head, *texts = booster.model_to_string().split("\nTree=")
    facts = _fields(head)
    targets = int(facts["num_tree_per_iteration"])
    texts = [text.partition("end of trees")[0] for text in texts]
    trees = [_tree(_fields(text), place % targets) for place, text in enumerate(texts)]
    if any("is_linear" in text and "is_linear=1" in text for text in texts):
        raise NotCompilableError("Its leaves are linear models (linear_tree).")
    if facts.get("pandas_categorical", "null") not in {"null", "[]"}:
        raise NotCompilableError("It takes columns of categories as pandas has them.")
    name, *options = facts.get("objective", "custom").split()
    return Ensemble(
        trees=trees,
        targets=targets,
        objective=name,
        options={key: value for key, _, value in (each.partition(":") for each in options)},
        is_mean="average_output" in head.split("\n"),
        categories=tuple(sorted({int(t.features[n]) for t in trees for n in t.sets or ()})),
    )


def _fields(text: str) -> dict[str, str]:
    """Return the lines `name=value` of a text."""
    return {name: value for name, found, value in _parted(text) if found}


def _parted(text: str) -> Iterator[tuple[str, str, str]]:
    return (line.partition("=") for line in text.split("\n"))


def _tree(fields: dict[str, str], target: int) -> Tree:
    leaves = np.array(fields["leaf_value"].split(), dtype=np.float64)
    inner = len(leaves) - 1
    if not inner:
        none, zero = np.array([-1]), np.array([0])
        return Tree(zero, zero, none, none, zero, leaves, np.array([target]))
    kinds = np.array(fields["decision_type"].split(), dtype=np.int64)
    thresholds = np.array(fields["threshold"].split(), dtype=np.float64)
    missing = (kinds >> 2) & 3
    by_set = (kinds & _CATEGORICAL) > 0
    if (missing[~by_set] == _ZERO).any():
        raise NotCompilableError("It takes zeros for missing values (zero_as_missing).")
    goes_left = (kinds & _DEFAULT_LEFT) > 0
    # Where no value was missing in training, a missing one is a zero; in a set it is in none.
    goes_left = np.where(missing == _NONE, thresholds >= 0, goes_left) & ~by_set
    ends = np.full(len(leaves), -1)
    sets: dict[int, Sequence[int]] = {
        int(node): _members(fields, int(thresholds[node])) for node in np.flatnonzero(by_set)
    }

    def branches(name: str) -> np.ndarray:
        # Leaves count down from -1; here they follow the nodes.
        found = np.array(fields[name].split(), dtype=np.int64)
        return np.concatenate([np.where(found < 0, inner + ~found, found), ends])

    def padded(array: np.ndarray) -> np.ndarray:
        return np.concatenate([array, np.zeros(len(leaves), dtype=array.dtype)])

    return Tree(
        features=padded(np.array(fields["split_feature"].split(), dtype=np.int64)),
        thresholds=padded(np.where(by_set, 0.0, thresholds)),
        left=branches("left_child"),
        right=branches("right_child"),
        missing_left=padded(goes_left),
        weights=np.concatenate([np.zeros(inner), leaves]),
        targets=np.full(inner + len(leaves), target),
        sets=sets or None,
    )


def _members(fields: dict[str, str], place: int) -> list[int]:
    """Return the numbers of the categories that go left, of the set with this number."""
    bounds = [int(each) for each in fields["cat_boundaries"].split()]
    words = fields["cat_threshold"].split()[bounds[place] : bounds[place + 1]]
    return [
        _WORD * number + bit
        for number, word in enumerate(words)
        for bit in range(_WORD)
        if int(word) >> bit & 1
    ]
