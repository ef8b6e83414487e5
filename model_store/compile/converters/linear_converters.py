"""Linear classifiers as ONNX graphs, in double precision."""

from typing import Any

import numpy as np

from model_store.compile.onnx_graph import Graph


def convert_linear_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Convert a classifier whose probabilities, if it has any, are a sigmoid or a softmax."""
    graph = Graph(scope, operator, container)
    model = graph.step
    # Some models of two classes have one row of coefficients, some have it flat.
    weights = np.atleast_2d(model.coef_).T.astype(np.float64)
    raw = graph.node("MatMul", graph.doubles(), graph.constant(weights))
    raw = graph.node("Add", raw, graph.constant(np.ravel(model.intercept_).astype(np.float64)))
    graph.finish_classes(raw, weights.shape[1])
