"""The trees of XGBoost, read from the JSON that it writes itself."""

import json
from typing import Any, NamedTuple

import numpy as np

from model_store.compile.converters.tree_ensemble import Tree
from model_store.compile.onnx_graph import NotCompilableError

_LOGISTIC = frozenset({"binary:logistic", "reg:logistic"})
_LOG_LINK = frozenset({"count:poisson", "reg:gamma", "reg:tweedie"})


class Ensemble(NamedTuple):
    """The trees of a booster, in single precision, and what becomes of their sums."""

    trees: list[Tree]
    baseline: np.ndarray
    """What the sum of each target starts from."""
    objective: str


def read_xgboost(booster: Any) -> Ensemble:
    """Return the trees of an `xgboost.Booster`, up to its best round where it stopped early.

    Raises:
        NotCompilableError: they compute what a graph cannot.
    """
    best = booster.attributes().get("best_iteration")
    if best is not None:
        booster = booster[: int(best) + 1]
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    boosting = learner["gradient_booster"]
    shares = None
    if boosting["name"] == "dart":
        shares, boosting = boosting["weight_drop"], boosting["gbtree"]
    elif boosting["name"] != "gbtree":
        raise NotCompilableError(f"It boosts no trees (booster={boosting['name']}).")
    model = boosting["model"]
    if model.get("cats", {}).get("enc"):
        raise NotCompilableError("It takes columns of categories as pandas has them.")
    trees = [
        _tree(fields, target, shares[place] if shares else 1.0)
        for place, (fields, target) in enumerate(
            zip(model["trees"], model["tree_info"], strict=True)
        )
    ]
    facts, objective = learner["learner_model_param"], learner["objective"]["name"]
    targets = max(int(facts["num_class"]), int(facts["num_target"]), 1)
    scores = json.loads(facts["base_score"])
    start = np.full(targets, np.float64(np.array(scores, dtype=np.float64)).ravel())
    return Ensemble(trees, _margin(start, objective), objective)


def _margin(score: np.ndarray, objective: str) -> np.ndarray:
    """Return what the sums start from: the score that is known is one of answers."""
    if objective in _LOGISTIC:
        return np.asarray(-np.log(1 / score - 1))
    return np.log(score) if objective in _LOG_LINK else score


def _tree(fields: dict[str, Any], target: int, share: float) -> Tree:
    if int(fields["tree_param"]["size_leaf_vector"]) > 1:
        raise NotCompilableError("A leaf of it answers several targets (multi_strategy).")
    left = np.array(fields["left_children"], dtype=np.int64)
    right = np.array(fields["right_children"], dtype=np.int64)
    conditions = np.array(fields["split_conditions"], dtype=np.float32)
    missing_left = np.array(fields["default_left"], dtype=bool)
    sets = {}
    for place, node in enumerate(fields["categories_nodes"]):
        start = fields["categories_segments"][place]
        sets[int(node)] = fields["categories"][start : start + fields["categories_sizes"][place]]
    by_set = np.isin(np.arange(len(left)), list(sets))
    # A set has those that go right. Others are below a threshold, and never on it.
    below = np.nextafter(conditions, np.float32(-np.inf))
    return Tree(
        features=np.array(fields["split_indices"], dtype=np.int64),
        thresholds=np.where(by_set, 0, below).astype(np.float32),
        left=np.where(by_set, right, left),
        right=np.where(by_set, left, right),
        missing_left=missing_left ^ by_set,
        weights=np.where(left < 0, conditions * np.float32(share), 0).astype(np.float32),
        targets=np.full(len(left), target),
        sets=sets or None,
    )
