"""A tree whose indexes lead elsewhere is refused before compiled code walks it."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeRegressor

from model_store import formats
from model_store.checks.archive_check import check_archive
from model_store.checks.estimator_check import check_estimator_parts
from model_store.errors import RefusedError
from model_store.store import LoadPolicy

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4))
Y = X[:, 0] + RANDOM.normal(size=120)
LABELS = RANDOM.integers(0, 3, 120)


def tree(**changes: Callable[[Any], object]) -> DecisionTreeRegressor:
    """Return a tree whose nodes were changed."""
    fitted = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, Y)
    state = fitted.tree_.__getstate__()
    for name, change in changes.items():
        if name in state:
            state[name] = change(state[name])
        else:
            change(state["nodes"][name])
    fitted.tree_.__setstate__(state)
    return fitted


def put(place: int, value: int) -> Callable[[Any], object]:
    """Return what puts a value into an array."""
    return lambda array: array.__setitem__(place, value)


def hist(name: str, value: int) -> HistGradientBoostingRegressor:
    """Return boosted trees, the first node of the first of which was changed."""
    fitted = HistGradientBoostingRegressor(max_iter=2, categorical_features=[3])
    table = np.column_stack([X[:, :3], RANDOM.integers(0, 5, 120)])
    fitted.fit(table, Y + table[:, 3] * 3)
    predictor = fitted._predictors[0][0]  # noqa: SLF001 - there is no other way to it
    if name == "bitset_idx":
        predictor.nodes["is_categorical"][0] = 1
    predictor.nodes[name][0] = value
    return fitted


def with_attribute(estimator: Any, **changes: Any) -> Any:
    """Return an estimator some of whose attributes were changed."""
    for name, value in changes.items():
        setattr(estimator, name, value)
    return estimator


def neighbours(place: int, change: Callable[[Any], object]) -> KNeighborsClassifier:
    """Return neighbours in a tree whose state was changed."""
    fitted = KNeighborsClassifier(algorithm="kd_tree", leaf_size=5).fit(X, LABELS)
    state = list(fitted._tree.__getstate__())  # noqa: SLF001 - there is no other way to it
    state[place] = np.array(state[place])
    change(state[place])
    fitted._tree.__setstate__(tuple(state))  # noqa: SLF001 - as above
    return fitted


def narrow_trees() -> Any:
    """Return a forest that takes one column less than its trees."""
    return with_attribute(RandomForestClassifier(3).fit(X, LABELS), n_features_in_=3)


def spline(**changes: Any) -> Any:
    """Return a spline whose arrays were changed."""
    fitted = SplineTransformer().fit(X)
    with_attribute(fitted.bsplines_[0], **changes)
    return fitted


WILD: dict[str, Callable[[], Any]] = {
    "a branch far away": lambda: tree(left_child=put(0, 10**9)),
    "a branch before the first": lambda: tree(right_child=put(0, -7)),
    "a circle": lambda: tree(left_child=put(1, 1)),
    "a circle by the root": lambda: tree(left_child=put(1, 0)),
    "a column that is not there": lambda: tree(feature=put(0, 4)),
    "a column below zero": lambda: tree(feature=put(0, -2)),
    "deeper than it says": lambda: tree(max_depth=lambda _: 1),
    "depth beyond all": lambda: tree(max_depth=lambda _: 2**40),
    "in a pipeline": lambda: make_pipeline(StandardScaler().fit(X), tree(feature=put(0, 99))),
    "a forest of wider trees": narrow_trees,
    "boosted wider trees": lambda: with_attribute(
        GradientBoostingRegressor(n_estimators=2).fit(X, Y), n_features_in_=3
    ),
    "bagged columns": lambda: with_attribute(
        BaggingRegressor(n_estimators=1).fit(X, Y), estimators_features_=[np.array([0, 1, 2, 9])]
    ),
    "an isolation forest": lambda: with_attribute(
        IsolationForest(n_estimators=2).fit(X), estimators_features_=[np.arange(2)] * 2
    ),
    "a histogram's branch": lambda: hist("left", 2**31),
    "a histogram's circle": lambda: hist("right", 0),
    "a histogram's column": lambda: hist("feature_idx", 77),
    "a histogram's set": lambda: hist("bitset_idx", 2**30),
    "a row that is not there": lambda: neighbours(1, put(0, 10**9)),
    "a node's rows": lambda: neighbours(2, lambda nodes: nodes["idx_end"].__setitem__(0, 10**9)),
    "a last node with branches": lambda: neighbours(
        2, lambda nodes: nodes["is_leaf"].__setitem__(-1, 0)
    ),
    "a spline's degree": lambda: spline(k=60),
    "a spline's coefficients": lambda: spline(c=np.ones((2, 2))),
    "a spline's knots": lambda: spline(t=np.zeros(0)),
    "support vectors": lambda: with_attribute(
        SVC().fit(X, LABELS), _n_support=np.array([9, 9, 9**6], np.int32)
    ),
    "coefficients": lambda: with_attribute(SVR().fit(X, Y), _dual_coef_=np.ones((1, 1))),
    "centres": lambda: with_attribute(KMeans(3).fit(X), cluster_centers_=np.ones((3, 1))),
}
SOUND: dict[str, Callable[[], Any]] = {
    "a tree": tree,
    "a forest": lambda: RandomForestClassifier(3).fit(X, LABELS),
    "boosting": lambda: GradientBoostingRegressor(n_estimators=2).fit(X, Y),
    "bagging": lambda: BaggingRegressor(n_estimators=2, max_features=2).fit(X, Y),
    "isolation": lambda: IsolationForest(n_estimators=2, max_features=2).fit(X),
    "histograms": lambda: hist("gain", 1),
    "neighbours": lambda: neighbours(1, lambda _: None),
    "density": lambda: KernelDensity().fit(X),
    "a machine": lambda: SVC(probability=True).fit(X, LABELS),
    "a machine of two": lambda: SVC().fit(X, LABELS > 0),
    "a machine of numbers": lambda: SVR().fit(X, Y),
    "centres": lambda: KMeans(3).fit(X),
}


@pytest.mark.parametrize("name", WILD)
def test_what_leads_elsewhere_is_refused(name: str) -> None:
    """Nothing was asked of it."""
    with pytest.raises(RefusedError, match="The estimator is damaged"):
        check_estimator_parts(WILD[name]())


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", SOUND)
def test_what_scikit_learn_made_passes(name: str) -> None:
    """Trees, ensembles of them, neighbours, machines."""
    check_estimator_parts(SOUND[name]())


def test_a_stored_tree_is_looked_through_as_it_is_loaded() -> None:
    """No answer is asked of it before."""
    stored = formats.dump(tree(left_child=put(0, 10**9)), "skops")
    with pytest.raises(RefusedError, match="a branch that is not there"):
        formats.load(stored, "skops", LoadPolicy())


def archive(contents: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as opened:
        for name, content in contents.items():
            opened.writestr(name, content)
    return file.getvalue()


BOMB = archive({"schema.json": bytes(2**28)})
ARCHIVES = {
    "a bomb": BOMB,
    "a bomb in a sparse matrix": archive({"a.npz": BOMB}),
    "several": archive({f"{n}.npy": bytes(2**25) for n in range(4)}),
    "another compression": archive({"schema.json": b"{}"}, zipfile.ZIP_LZMA),
    "no archive in it": archive({"a.npz": b"none"}),
    "cut short": BOMB[:-30],
    "none": b"",
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_inflates_without_a_limit_is_refused(name: str) -> None:
    """Nothing of it is inflated; both who checks and who loads refuse it."""
    for refuse in (
        check_archive,
        lambda stored: formats.check_allowed(stored, "skops", LoadPolicy()),
        lambda stored: formats.load(stored, "skops", LoadPolicy()),
    ):
        with pytest.raises(RefusedError, match="skops file cannot be loaded here"):
            refuse(ARCHIVES[name])
