"""The trees of CatBoost, read from the JSON that it writes itself."""

import importlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from model_store.compile.converters.tree_ensemble import Tree
from model_store.compile.onnx_graph import NotCompilableError

MISSING_CATEGORY = "missing"
"""What a category is called that is missing, by `model_store.boosters.table_booster`."""
_NO_NUMBER = -1
_MOST_CATEGORIES = 300
"""CatBoost makes no more splits of their own than for 255."""


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
    member: int | None = None
    """Of a split by a category: its number, and none that occurs where it is the missing one."""


_LEAF = _Split(0, np.float32(0), is_gap_above=False)


class _Splits:
    """Reads the splits of a model."""

    def __init__(self, model: Any, features: dict[str, Any]) -> None:
        self._model = model
        self._floats: Sequence[dict[str, Any]] = features.get("float_features", [])
        self._categories: Sequence[dict[str, Any]] = features.get("categorical_features", [])
        self._texts: dict[int, str] = {}

    def read(self, fields: dict[str, Any]) -> _Split:
        """Return a split."""
        kind = fields["split_type"]
        if kind == "FloatFeature":
            feature = self._floats[fields["float_feature_index"]]
            is_above = feature["nan_value_treatment"] == "AsTrue"
            return _Split(feature["flat_feature_index"], np.float32(fields["border"]), is_above)
        place = [each["flat_feature_index"] for each in self._categories]
        text = self._text(fields["value"], place) if kind == "OneHotFeature" else None
        if text is None:
            raise NotCompilableError(
                "It counts the target in categories, which a graph does not: raise "
                "one_hot_max_size above the number of their values, and it is compiled."
            )
        feature_index = place[fields["cat_feature_index"]]
        is_gap = text == MISSING_CATEGORY
        return _Split(feature_index, np.float32(0), is_gap, _NO_NUMBER if is_gap else int(text))

    def _text(self, value: int, places: Sequence[int]) -> str | None:
        """Return the category that a hash stands for: a number, as text, or the missing one."""
        if not self._texts:
            self._texts = _hashes(self._model, places)
        return self._texts.get(value)


def _hashes(model: Any, places: Sequence[int]) -> dict[int, str]:
    """Return the categories by CatBoost's hash of them, which it shows in an export alone."""
    known = [*map(str, range(_MOST_CATEGORIES)), MISSING_CATEGORY]
    width = len(model.feature_names_)
    rows = [[text if n in places else 0.0 for n in range(width)] for text in known]
    pool = importlib.import_module("catboost").Pool(rows, cat_features=list(places))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.py"
        model.save_model(str(file), format="python", pool=pool)
        _, _, listed = file.read_text(encoding="utf-8").partition("cat_features_hashes = {")
    found = re.findall(r'"([^"]*)": (-?\d+),', listed.partition("}")[0])
    return {int(value): text for text, value in found}


def read_catboost(model: Any) -> Ensemble:
    """Return the trees of a CatBoost model.

    Raises:
        NotCompilableError: they compute what a graph cannot.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.json"
        model.save_model(str(file), format="json")
        found = json.loads(file.read_text(encoding="utf-8"))
    splits = _Splits(model, found["features_info"])
    scale, bias = found["scale_and_bias"]
    baseline = np.array(bias, dtype=np.float64)
    if "oblivious_trees" in found:
        trees = [
            each
            for tree in found["oblivious_trees"]
            for each in _symmetric(tree, splits, len(baseline), scale)
        ]
    else:
        trees = [
            each for tree in found["trees"] for each in _free(tree, splits, len(baseline), scale)
        ]
    loss = found["model_info"]["params"]["loss_function"]["type"]
    return Ensemble(trees, baseline, loss)


def _symmetric(
    fields: dict[str, Any], reader: _Splits, targets: int, scale: float
) -> Iterator[Tree]:
    """Yield a tree for each target: all nodes of a level ask the same."""
    splits = [reader.read(each) for each in (fields.get("splits") or ())]
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


def _free(fields: dict[str, Any], reader: _Splits, targets: int, scale: float) -> Iterator[Tree]:
    """Yield a tree for each target, of a tree that grows as it likes."""
    waiting: list[dict[str, Any]] = [fields]
    nodes: list[_Split] = []
    left, right, values = [], [], []
    for node in waiting:  # it grows meanwhile
        if "split" in node:
            nodes.append(reader.read(node["split"]))
            left.append(len(waiting))
            right.append(len(waiting) + 1)
            waiting += [node["left"], node["right"]]
            values.append(np.zeros(targets))
        else:
            nodes.append(_LEAF)
            left.append(-1)
            right.append(-1)
            values.append(np.ravel(node["value"]) * scale)
    yield from _trees(nodes, np.array(left), np.array(right), np.array(values))


def _trees(
    nodes: Sequence[_Split], left: np.ndarray, right: np.ndarray, values: np.ndarray
) -> Iterator[Tree]:
    splits = [*nodes, *[_LEAF] * (len(left) - len(nodes))]
    sets: dict[int, Sequence[int]] = {
        n: (each.member,) for n, each in enumerate(splits) if each.member is not None
    }
    by_set = np.isin(np.arange(len(left)), list(sets))
    is_gap_above = np.array([each.is_gap_above for each in splits])
    for target in range(values.shape[1]):
        yield Tree(
            features=np.array([each.feature for each in splits]),
            thresholds=np.array([each.border for each in splits], dtype=np.float64),
            # What is above a border goes right, and so does a category; one in a set goes left.
            left=np.where(by_set, right, left),
            right=np.where(by_set, left, right),
            missing_left=is_gap_above == by_set,
            weights=values[:, target],
            targets=np.full(len(left), target),
            sets=sets or None,
        )
