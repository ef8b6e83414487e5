"""Trees and forests as ONNX graphs that answer to the last bit as scikit-learn does.

scikit-learn's trees round their inputs to single precision and compare them with thresholds in
double precision. Here both are single: a threshold is rounded down, so that the same single
numbers are below it. Leaves are numbered, and looked up in a table of doubles.
Boosted histograms compare and add doubles throughout, and so do their graphs.
"""

from typing import Any

import numpy as np

from model_store.compile.converters.tree_ensemble import Tree, boosted, ensemble
from model_store.compile.onnx_graph import DOUBLE, FLOAT, INT64, Graph, NotCompilableError

_MOST_LEAVES = 2**24
"""Single precision counts no further."""


def convert_forest(scope: Any, operator: Any, container: Any) -> None:
    """Convert a decision tree, or a forest: each tree's leaf, then the mean of the leaves.

    Where every leaf of a classifier's forest is of one class, as in forests that were grown to the
    end, trees have votes: whole numbers, which single precision adds exactly.
    """
    graph = Graph(scope, operator, container)
    forest = graph.step
    is_classifier = hasattr(forest, "classes_")
    if is_classifier and forest.n_outputs_ > 1:
        raise NotCompilableError("It answers several labels.")
    members = getattr(forest, "estimators_", [forest])
    tables = [_leaf_values(member.tree_, is_classifier) for member in members]
    if is_classifier and len(members) > 1 and all(map(_is_pure, members)):
        votes = [
            tree_of(member.tree_, table.argmax(axis=1), np.ones(len(table)))
            for member, table in zip(members, tables, strict=True)
        ]
        rows = graph.cast(graph.rows, FLOAT)
        total = graph.cast(ensemble(graph, rows, votes, tables[0].shape[1]), DOUBLE)
        _finish_mean(graph, total, len(votes), is_classifier=True)
        return
    starts = np.cumsum([0, *map(len, tables)])
    if starts[-1] > _MOST_LEAVES:
        raise NotCompilableError("Its trees have too many leaves.")
    trees = [
        tree_of(
            member.tree_,
            np.full(len(tables[number]), number),
            starts[number] + np.arange(len(tables[number])),
        )
        for number, member in enumerate(members)
    ]
    leaves = graph.cast(ensemble(graph, graph.cast(graph.rows, FLOAT), trees, len(trees)), INT64)
    if len(trees) == 1:
        leaves = graph.node("Squeeze", leaves, graph.constant([1]))
    shares = graph.node("Gather", graph.constant(np.vstack(tables)), leaves)
    if len(trees) > 1:
        total = graph.node("ReduceSum", shares, graph.constant([1]), keepdims=0)
        _finish_mean(graph, total, len(trees), is_classifier=is_classifier)
    elif not is_classifier:
        graph.finish(shares)
    else:
        # A leaf has its label, which is looked up faster than it is found.
        labels = graph.constant(np.argmax(tables[0], axis=1))
        graph.finish(graph.node("Gather", labels, leaves), shares)


def convert_gradient_boosting(scope: Any, operator: Any, container: Any) -> None:
    """Convert boosted trees: of single inputs, adding doubles."""
    graph = Graph(scope, operator, container)
    model = graph.step
    if model.init_ != "zero" and type(model.init_).__name__ not in {
        "DummyClassifier",
        "DummyRegressor",
    }:
        raise NotCompilableError("It starts from another estimator (init).")
    columns = np.zeros((1, model.n_features_in_), dtype=np.float32)
    baseline = model._raw_predict_init(columns)[0]  # noqa: SLF001 - nothing public has it
    trees = [
        tree_of(
            member.tree_,
            np.full(member.tree_.node_count, target),
            model.learning_rate * member.tree_.value[:, 0, 0],
        )
        for stage in model.estimators_
        for target, member in enumerate(stage)
    ]
    rows = graph.cast(graph.cast(graph.rows, FLOAT), DOUBLE)
    raw = boosted(graph, rows, trees, baseline)
    if not hasattr(model, "classes_"):
        graph.finish(raw)
        return
    if model.loss != "log_loss":
        raise NotCompilableError(f"Its loss is {model.loss}.")
    graph.finish_classes(raw, len(baseline))


def convert_histogram_boosting(scope: Any, operator: Any, container: Any) -> None:
    """Convert histogram-based boosted trees: of doubles throughout."""
    graph = Graph(scope, operator, container)
    model = graph.step
    stages = model._predictors  # noqa: SLF001 - nothing public has it
    baseline = np.ravel(model._baseline_prediction)  # noqa: SLF001 - the same
    trees = [
        _histogram_tree(member.nodes, target)
        for stage in stages
        for target, member in enumerate(stage)
    ]
    raw = boosted(graph, graph.doubles(), trees, baseline)
    if hasattr(model, "classes_"):
        graph.finish_classes(raw, len(baseline))
        return
    if model.loss in {"poisson", "gamma"}:
        raw = graph.node("Exp", raw)
    graph.finish(raw)


def _leaf_values(tree: Any, is_classifier: bool) -> np.ndarray:  # noqa: FBT001 - it is private
    """Return what each node of a tree answers, `(nodes, classes or outputs)`."""
    values: np.ndarray = tree.value[:, 0, :] if is_classifier else tree.value[:, :, 0]
    return values


def _is_pure(member: Any) -> bool:
    """Return whether each leaf of a tree is of one class."""
    tree = member.tree_
    return bool(np.isin(tree.value[tree.children_left < 0, 0, :], (0.0, 1.0)).all())


def _finish_mean(graph: Graph, total: str, trees: int, *, is_classifier: bool) -> None:
    """Add what makes an answer of the sums over all trees, `(rows, classes or outputs)`."""
    mean = graph.node("Div", total, graph.constant(np.float64(trees)))
    if is_classifier:
        graph.finish(graph.node("ArgMax", mean, axis=1, keepdims=0), mean)
    else:
        graph.finish(mean)


def tree_of(tree: Any, targets: np.ndarray, weights: np.ndarray) -> Tree:
    """Return a tree of scikit-learn whose nodes have targets and weights, `(nodes,)` each."""
    return Tree(
        features=tree.feature,
        thresholds=tree.threshold,
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        missing_left=tree.missing_go_to_left,
        weights=weights,
        targets=targets,
    )


def _histogram_tree(nodes: np.ndarray, target: int) -> Tree:
    if nodes["is_categorical"].any():
        raise NotCompilableError("Its trees split by categories (categorical_features).")
    is_leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        features=nodes["feature_idx"],
        thresholds=nodes["num_threshold"],
        left=np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
        missing_left=nodes["missing_go_to_left"],
        weights=nodes["value"],
        targets=np.full(len(nodes), target),
    )
