"""What is answered without a target as ONNX graphs: how unusual a row is, and in which cluster.

`AnomalyDetector` is the template's own, and known by its name: this package must not import it.
"""

from typing import Any

import numpy as np
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.ensemble import IsolationForest

from model_store.compile.converters.tree_converters import tree_of
from model_store.compile.converters.tree_ensemble import boosted
from model_store.compile.onnx_graph import DOUBLE, FLOAT, INT64, Graph, NotCompilableError


def convert_detector(scope: Any, operator: Any, container: Any) -> None:
    """Convert an isolation forest whose scores are ranks among those of the training."""
    graph = Graph(scope, operator, container)
    detector = graph.step
    if type(detector.detector_) is not IsolationForest:
        raise NotCompilableError(
            f"Of detectors, IsolationForest is compiled, and {type(detector.detector_).__name__} "
            "is not."
        )
    rank = _rank(graph, _unusual(graph, detector.detector_), detector)
    is_odd = graph.node("Greater", rank, graph.constant(np.float64(1 - detector.share)))
    graph.finish(graph.node("Concat", graph.cast(is_odd, DOUBLE), rank, axis=1))


def convert_clusters(scope: Any, operator: Any, container: Any) -> None:
    """Convert clusters around centres: the nearest one, computed as scikit-learn does."""
    graph = Graph(scope, operator, container)
    centres = np.asarray(graph.step.cluster_centers_, dtype=np.float64)
    products = graph.node("MatMul", graph.doubles(), graph.constant(-2 * centres.T))
    squares = graph.constant(np.einsum("ij,ij->i", centres, centres).reshape(1, -1))
    distances = graph.node("Add", squares, products)
    graph.finish(graph.cast(graph.node("ArgMin", distances, axis=1, keepdims=1), DOUBLE))


def detector_shape(operator: Any) -> None:
    """Declare to skl2onnx what a detector gives: two numbers a row."""
    operator.outputs[0].type = DoubleTensorType([None, 2])


def _unusual(graph: Graph, forest: Any) -> str:
    """Add how unusual rows are, `(rows, 1)`: the shorter their ways, the more."""
    lengths = zip(
        forest._decision_path_lengths,  # noqa: SLF001 - nothing public has it
        forest._average_path_length_per_tree,  # noqa: SLF001 - the same
        strict=True,
    )
    trees = []
    for member, columns, (ways, rest) in zip(
        forest.estimators_, forest.estimators_features_, lengths, strict=True
    ):
        if not np.array_equal(columns, np.arange(forest.n_features_in_)):
            raise NotCompilableError("Its trees take some of the columns (max_features).")
        count = member.tree_.node_count
        trees.append(tree_of(member.tree_, np.zeros(count, dtype=np.int64), ways + rest - 1.0))
    rows = graph.cast(graph.cast(graph.rows, FLOAT), DOUBLE)
    total = boosted(graph, rows, trees, np.zeros(1))
    usual = len(trees) * _usual_length(forest._max_samples)  # noqa: SLF001 - nothing public has it
    share = graph.node("Div", total, graph.constant(np.float64(usual)))
    return graph.node("Pow", graph.constant(np.float64(2)), graph.node("Neg", share))


def _usual_length(rows: int) -> float:
    """Return the usual length of the way to a row among as many, as scikit-learn has it."""
    if rows <= 2:  # noqa: PLR2004 - as there
        return float(rows - 1) or 1.0
    return float(2 * (np.log(rows - 1.0) + np.euler_gamma) - 2 * (rows - 1.0) / rows)


def _rank(graph: Graph, unusual: str, detector: Any) -> str:
    """Add the rank between the two nearest scores of the training, `(rows, 1)`."""
    knots, ranks = np.asarray(detector.knots_), np.asarray(detector.ranks_)
    if len(knots) < 2:  # noqa: PLR2004 - no two
        raise NotCompilableError("All of its training rows are equally unusual.")
    slopes = np.diff(ranks) / np.diff(knots)
    ends = graph.constant(knots[:1]), graph.constant(knots[-1:])
    inside = graph.node("Min", graph.node("Max", unusual, ends[0]), ends[1])
    reached = graph.node("GreaterOrEqual", inside, graph.constant(knots[:-1].reshape(1, -1)))
    count = graph.node("ReduceSum", graph.cast(reached, INT64), graph.constant([1]), keepdims=1)
    place = graph.node("Sub", count, graph.constant(np.int64(1)))
    start, slope, knot = (
        graph.node("Gather", graph.constant(values), place)
        for values in (ranks[:-1], slopes, knots[:-1])
    )
    beyond = graph.node("Sub", inside, knot)
    return graph.node("Add", start, graph.node("Mul", slope, beyond))
