"""What an estimator is made of, looked through before anything in it is asked.

scikit-learn's compiled code walks trees and arrays by the indexes that they hold, and looks at none
of them: an index that is wrong reads other memory, or ends the process.
"""

from typing import Any

import numpy as np

from model_store.checks import tree_arrays
from model_store.checks.estimator_parts import parts_of
from model_store.errors import RefusedError

_HIGHEST_DEGREE = 100
_SPARSE = frozenset({"csc_array", "csc_matrix", "csr_array", "csr_matrix"})


def check_estimator_parts(estimator: Any) -> None:
    """See that every tree in an estimator can be walked, and that its arrays fit one another.

    Raises:
        RefusedError: one cannot; the sentence says which.
    """
    try:
        for part in parts_of(estimator):
            _check(part)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise RefusedError(
            f"The estimator is damaged: {error}. Publish it again from its training."
        ) from error


def _check(part: Any) -> None:
    """See that one part can be asked; ValueError says why not."""
    name = type(part).__name__
    if name == "BSpline":
        _check_spline(part)
    if name in _SPARSE:
        part.check_format(full_check=True)
    if type(part).__module__.partition(".")[0] != "sklearn":
        return
    if name == "Tree":
        tree_arrays.check_tree(part)
    elif name == "TreePredictor":
        tree_arrays.check_predictor(part)
    elif name.startswith(("KDTree", "BallTree")):
        tree_arrays.check_space_tree(part.__getstate__())
    _check_fitted(part)


def _check_fitted(part: Any) -> None:
    """See that the arrays of an estimator fit one another."""
    held = getattr(part, "__dict__", {})
    if "_predictors" in held and "n_features_in_" in held:
        _check_boosted(part)
    elif "estimators_" in held and "n_features_in_" in held:
        _check_ensemble(part)
    elif "tree_" in held and "n_features_in_" in held and _is_decision_tree(part.tree_):
        _check_width(part.tree_, int(part.n_features_in_))
    if "_n_support" in held and "support_vectors_" in held:
        _check_machine(part)
    if "cluster_centers_" in held and "n_features_in_" in held:
        _check_shape(part.cluster_centers_, 1, int(part.n_features_in_), "cluster centres")


def _check_ensemble(part: Any) -> None:
    """See that trees that are walked without another look take as many columns as they get."""
    width = int(part.n_features_in_)
    subsets = part.__dict__.get("estimators_features_")
    for place, each in enumerate(np.asarray(part.estimators_, dtype=object).ravel().tolist()):
        tree = getattr(each, "__dict__", {}).get("tree_")
        if not _is_decision_tree(tree):
            continue
        if subsets is None:
            _check_width(tree, width)
            continue
        columns = np.asarray(subsets[place])
        if columns.dtype.kind not in "iu" or not np.all((columns >= 0) & (columns < width)):
            raise ValueError("a tree takes columns that are not there")
        _check_width(tree, len(columns))


def _check_boosted(part: Any) -> None:
    width = int(part.n_features_in_)
    mapper = part.__dict__.get("_bin_mapper")
    if mapper is not None and len(mapper.is_categorical_) < width:
        raise ValueError("a histogram has other columns than its model")
    for stage in part._predictors:  # noqa: SLF001 - there is no other way to it
        for predictor in stage:
            used = predictor.nodes["feature_idx"][predictor.nodes["is_leaf"] == 0]
            if len(used) and int(used.max()) >= width:
                raise ValueError("a tree asks for a column that is not there")


def _is_decision_tree(tree: Any) -> bool:
    return type(tree).__name__ == "Tree"


def _check_width(tree: Any, width: int) -> None:
    if int(tree.n_features) != width:
        raise ValueError("a tree takes another number of columns than its model")


def _check_machine(part: Any) -> None:
    """See that the arrays of a support vector machine fit one another."""
    counts = np.asarray(part._n_support)  # noqa: SLF001 - there is no other way to it
    vectors = part.support_vectors_
    if counts.dtype.kind != "i" or (counts < 0).any():
        raise ValueError("a machine has a count of support vectors below zero")
    if part.__dict__.get("_sparse"):
        raise ValueError("a machine of sparse tables is not served")
    total = int(counts.sum())
    if part._impl in {"one_class", "epsilon_svr", "nu_svr"}:  # noqa: SLF001 - as above
        total = int(counts[0])
    _check_shape(vectors, 0, total, "support vectors")
    _check_shape(part._dual_coef_, 1, total, "coefficients")
    if not callable(part.kernel) and part.kernel != "precomputed":
        _check_shape(vectors, 1, int(part.n_features_in_), "support vectors")
    classes = len(counts) if part._impl in {"c_svc", "nu_svc"} else 2  # noqa: SLF001 - as above
    _check_shape(part._dual_coef_, 0, classes - 1, "coefficients")
    pairs = classes * (classes - 1) // 2
    _check_shape(np.atleast_1d(part._intercept_), 0, pairs, "intercepts")
    for name in ("_probA", "_probB"):
        given = np.atleast_1d(part.__dict__.get(name, []))
        if len(given) not in {0, pairs, 1 if classes == 2 else pairs}:  # noqa: PLR2004 - of two
            raise ValueError("a machine has another number of pairs than of classes")


def _check_spline(part: Any) -> None:
    """See that a spline has as many coefficients as its knots ask for."""
    knots, coefficients, degree = np.asarray(part.t), np.asarray(part.c), int(part.k)
    if knots.dtype.kind != "f" or knots.ndim != 1 or (np.diff(knots) < 0).any():
        raise ValueError("a spline has knots out of order")
    if coefficients.dtype.kind != "f" or not 0 <= degree <= _HIGHEST_DEGREE:
        raise ValueError("a spline has no degree")
    if not coefficients.ndim or len(coefficients) < len(knots) - degree - 1:
        raise ValueError("a spline has another number of coefficients than its knots ask for")
    if len(knots) < 2 * (degree + 1) or not np.isfinite(knots).all():
        raise ValueError("a spline has too few knots")


def _check_shape(array: Any, axis: int, size: int, what: str) -> None:
    shape = np.shape(array)
    if len(shape) <= axis or shape[axis] != size:
        raise ValueError(f"it has another number of {what} than its columns or classes ask for")
