"""A compiled form answers as its estimator does, over far more rows than the golden ones."""

import copy
import re
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from model_store.compile import step_conversion
from model_store.compile.converters import column_converters
from model_store.compile.onnx_graph import Graph
from tests.model_store.compile.compiled_pairs import (
    NUMBERS,
    compile_fitted,
    largest_difference,
    mixed,
    numbers,
    pair,
    random_columns,
    target,
)

EXACT = 1e-12
"""The tolerance where additions may be made in another order."""
UNSEEN = 5000
SEEDS = {"random_state": 0}


def features(encoder: Any) -> ColumnTransformer:
    """Return the usual transformer of the mixed table."""
    fill = SimpleImputer(strategy="median", add_indicator=True)
    texts = SimpleImputer(strategy="constant", missing_values=None, fill_value="?")
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(fill, StandardScaler()), [*NUMBERS, "gaps"]),
            ("flags", encoder, ["flag", "maybe"]),
            ("cities", make_pipeline(texts, encoder), ["city"]),
        ]
    )


RARE = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=4, sparse_output=False)
ENCODERS = [
    RARE,
    OneHotEncoder(handle_unknown="ignore", drop="if_binary"),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
]
CLASSIFIERS = [
    DecisionTreeClassifier(**SEEDS),
    DecisionTreeClassifier(max_depth=3, **SEEDS),
    ExtraTreeClassifier(**SEEDS),
    RandomForestClassifier(20, min_samples_leaf=3, **SEEDS),
    ExtraTreesClassifier(20, **SEEDS),
    GradientBoostingClassifier(n_estimators=10, **SEEDS),
    HistGradientBoostingClassifier(max_iter=10, **SEEDS),
    make_pipeline(StandardScaler(), DecisionTreeClassifier(**SEEDS)),
    make_pipeline(MinMaxScaler(clip=True), RandomForestClassifier(5, **SEEDS)),
    make_pipeline(RobustScaler(), GradientBoostingClassifier(n_estimators=5, **SEEDS)),
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(StandardScaler(), RidgeClassifier()),
    make_pipeline(StandardScaler(), LinearSVC()),
    GridSearchCV(DecisionTreeClassifier(**SEEDS), {"max_depth": [2, 3]}, cv=2),
]
REGRESSORS = [
    DecisionTreeRegressor(**SEEDS),
    RandomForestRegressor(10, **SEEDS),
    GradientBoostingRegressor(n_estimators=10, **SEEDS),
    HistGradientBoostingRegressor(max_iter=10, **SEEDS),
    HistGradientBoostingRegressor(max_iter=10, loss="poisson", **SEEDS),
    make_pipeline(StandardScaler(), LinearRegression()),
    make_pipeline(StandardScaler(), Ridge()),
]


def name_of(value: Any) -> str | None:
    """Return the name of an estimator in the list of tests."""
    return repr(value) if hasattr(value, "fit") else None


@pytest.mark.slow  # fits and compiles several estimators
@pytest.mark.parametrize("labels", [("no", "so so", "yes"), (False, True), (-7, 5, 2**40)])
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=name_of)
def test_classifiers_answer_the_same_compiled(estimator: Any, labels: tuple[Any, ...]) -> None:
    """Labels of any kind, and probabilities, on thousands of rows that nobody saw."""
    table = numbers()
    found = pair(estimator, table, target(table, labels))
    assert largest_difference(found, random_columns(found, numbers(UNSEEN, seed=1))) < EXACT


@pytest.mark.parametrize("labels", [("no", "yes"), (False, True), (7, -5)])
@pytest.mark.parametrize("threshold", [0.2, 0.87, "auto"])
def test_a_threshold_of_one_s_own_decides_compiled(
    labels: tuple[Any, Any], threshold: float | str
) -> None:
    """Labels follow the threshold, for either label; probabilities stay what they were."""
    table = numbers()
    truth = target(table, labels)
    inner = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, truth)
    for wanted in labels:
        model = FixedThresholdClassifier(
            FrozenEstimator(inner), threshold=threshold, pos_label=wanted
        )
        found = pair(model, table, truth)
        unseen = random_columns(found, numbers(UNSEEN, seed=1))
        assert largest_difference(found, unseen) < EXACT
        shares = inner.predict_proba(numbers(UNSEEN, seed=1))
        place = list(inner.classes_).index(wanted)
        limit = 0.5 if threshold == "auto" else float(threshold)
        (given,), _ = found.compiled.predict(unseen)
        assert ((given == wanted) == (shares[:, place] >= limit)).all()


def test_a_threshold_that_was_searched_for_is_compiled() -> None:
    """The one that it found."""
    table = numbers()
    model = TunedThresholdClassifierCV(DecisionTreeClassifier(max_depth=3, **SEEDS), cv=3)
    found = pair(model, table, target(table, (0, 1)))
    assert largest_difference(found, random_columns(found, numbers(UNSEEN, seed=1))) < EXACT


def test_a_threshold_of_something_else_than_probabilities_is_not_compiled() -> None:
    """The reason names the step."""
    model = FixedThresholdClassifier(RidgeClassifier(), threshold=0.1, pos_label="yes")
    compilation, _, _ = compile_fitted(model, numbers(), target(numbers(), ("no", "yes")))
    assert "FixedThresholdClassifier: Its threshold is not one of probab" in compilation.reason


@pytest.mark.parametrize("estimator", REGRESSORS, ids=name_of)
def test_regressors_answer_the_same_compiled(estimator: Any) -> None:
    """They answer in double precision."""
    table = numbers()
    truth = pd.Series(1.0 + table["a"] ** 2 + (table["count"] - 2**30) / 7, name="y")
    found = pair(estimator, table, truth)
    assert largest_difference(found, random_columns(found, numbers(UNSEEN, seed=1))) < EXACT


@pytest.mark.parametrize(
    "estimator", [DecisionTreeRegressor(), RandomForestRegressor(5), LinearRegression()]
)
def test_several_outputs_are_compiled(estimator: Any) -> None:
    """Each output keeps its place."""
    table = numbers()
    truth = pd.DataFrame({"first": table["a"], "second": table["count"] * 1.0})
    found = pair(estimator, table, truth)
    assert largest_difference(found, random_columns(found, numbers(UNSEEN, seed=1))) < EXACT


@pytest.mark.slow  # fits and compiles several estimators
@pytest.mark.parametrize("encoder", ENCODERS, ids=name_of)
@pytest.mark.parametrize(
    "model", [HistGradientBoostingClassifier(max_iter=10, **SEEDS), LogisticRegression()]
)
@pytest.mark.filterwarnings("ignore:Found unknown categories")  # that is what they are
def test_a_pipeline_of_every_kind_is_compiled(encoder: Any, model: Any) -> None:
    """Its table has gaps, rare and unknown categories, and empty and non-ASCII texts."""
    table = mixed()
    found = pair(make_pipeline(features(encoder), model), table, target(table, ("no", "yes")))
    unseen = mixed(UNSEEN, seed=1)
    unseen["city"] = unseen["city"].cat.add_categories(["new", "\u00e9"])
    unseen.loc[::10, "city"] = "new"
    unseen.loc[5::10, "city"] = "\u00e9"
    assert largest_difference(found, random_columns(found, unseen)) < EXACT


def test_days_may_be_categories() -> None:
    """They reach the graph as microseconds."""
    table = mixed()[["day"]].assign(day=lambda t: t["day"].dt.floor("365D"))
    estimator = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    found = pair(estimator, table, target(numbers(), ("no", "yes")))
    assert largest_difference(found, random_columns(found, table)) < EXACT


@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeClassifier(**SEEDS),
        HistGradientBoostingClassifier(max_iter=10, **SEEDS),
        make_pipeline(StandardScaler(), DecisionTreeClassifier(**SEEDS)),
    ],
    ids=name_of,
)
def test_numbers_beside_a_threshold_fall_on_the_same_side(estimator: Any) -> None:
    """They are the threshold and one step of single and double precision to each side."""
    table = numbers()
    found = pair(estimator, table, target(table))
    inner = getattr(estimator, "steps", [("", estimator)])[-1][1]
    if hasattr(inner, "tree_"):
        edges = inner.tree_.threshold[inner.tree_.feature == 0]
    else:
        nodes = np.concatenate([tree.nodes for stage in inner._predictors for tree in stage])  # noqa: SLF001
        edges = nodes["num_threshold"][(nodes["feature_idx"] == 0) & (nodes["is_leaf"] == 0)]
    if estimator is not inner:
        edges = edges * estimator[0].scale_[0] + estimator[0].mean_[0]
    assert len(edges) > 3
    steps = [np.nextafter(edges, way) for way in (-np.inf, np.inf)]
    single = edges.astype(np.float32)
    steps += [np.nextafter(single, np.float32(way)).astype(float) for way in (-np.inf, np.inf)]
    values = np.concatenate([edges, single.astype(float), *steps])
    unseen = numbers(len(values), seed=1).assign(a=values)
    assert largest_difference(found, random_columns(found, unseen)) < EXACT


@pytest.mark.slow  # fits and compiles several estimators
@pytest.mark.parametrize(
    "estimator", [DecisionTreeClassifier(**SEEDS), HistGradientBoostingClassifier(**SEEDS)]
)
def test_numbers_at_the_ends_of_what_there_is_are_answered_alike(estimator: Any) -> None:
    """They go from the smallest numbers to those that single precision can just hold."""
    table = numbers()
    found = pair(estimator, table, target(table))
    extremes = [0.0, -0.0, 5e-324, -5e-324, 1e-45, 1e-38, 1e30, -1e38, 3.4e38]
    unseen = numbers(len(extremes), seed=1).assign(a=extremes)
    assert largest_difference(found, random_columns(found, unseen)) < EXACT


@pytest.mark.parametrize(
    ("estimator", "columns", "reason"),
    [
        (KNeighborsRegressor(), NUMBERS, "nearly the same distance"),
        (SVR(), NUMBERS, "single precision"),
        (HistGradientBoostingRegressor(categorical_features=[0]), ["flag", "a"], "by categories"),
        (
            make_pipeline(OneHotEncoder(), LinearRegression()),
            ["city"],
            r"OneHotEncoder\(handle_unknown='error'\) refuses values",
        ),
        (
            make_pipeline(SimpleImputer(strategy="most_frequent"), RARE, LinearRegression()),
            ["a", "city"],
            r'of "a", "city": It takes numbers \("a"\) and text \("city"\) together',
        ),
        (DummyRegressor(), NUMBERS, "DummyRegressor"),
    ],
)
def test_a_model_that_cannot_be_compiled_has_a_reason(
    estimator: Any, columns: list[str], reason: str
) -> None:
    """The reason is a sentence; nothing is raised."""
    table = mixed()[columns].dropna().reset_index(drop=True)
    truth = pd.Series(np.arange(len(table)) * 1.0, name="y")
    compilation, _, _ = compile_fitted(estimator, table, truth)
    assert re.search(reason, compilation.reason)
    assert (compilation.graph, compilation.compiled) == (b"", None)


def test_several_labels_are_not_compiled() -> None:
    """Each would need classes of its own."""
    table = numbers()
    truth = pd.DataFrame({"one": target(table), "two": target(table, ("x", "y"))})
    compilation, _, _ = compile_fitted(DecisionTreeClassifier(), table, truth)
    assert compilation.reason == "It answers several labels."


def test_a_graph_that_answers_otherwise_is_never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this test a converter shifts the thresholds by a millionth."""
    table = numbers()
    truth = pd.Series(table["a"] ** 2, name="y")

    def wrong(scope: Any, operator: Any, container: Any) -> None:
        model = copy.deepcopy(operator.raw_operator)
        model.coef_ *= 1.0001
        operator.raw_operator = model
        graph = Graph(scope, operator, container)
        weights = graph.constant(model.coef_.reshape(-1, 1))
        graph.finish(graph.node("MatMul", graph.doubles(), weights))

    converters = step_conversion._CONVERTERS | {LinearRegression: wrong}  # noqa: SLF001 - what is tested
    monkeypatch.setattr(step_conversion, "_CONVERTERS", converters)
    compilation, _, _ = compile_fitted(LinearRegression(), table, truth)
    assert compilation.reason == (
        "Its compiled form does not answer the same on golden rows: LinearRegression answers "
        "otherwise to the same columns."
    )
    assert compilation.compiled is None


def test_a_graph_that_is_wrong_beside_the_golden_rows_is_not_kept_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows are made up, as golden rows do not show what happens to an unknown category."""
    table = pd.DataFrame({"city": pd.Categorical(["a", "b", "c"] * 20)})
    truth = target(numbers(60), ("no", "yes"))
    estimator = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    right, _, _ = compile_fitted(estimator, table, truth)
    assert right.compiled
    encoded = column_converters._encoded  # noqa: SLF001 - what is made wrong

    def wrong(encoder: Any, place: int) -> np.ndarray:
        rows = encoded(encoder, place)
        rows[-1] = rows[0]
        return rows

    monkeypatch.setattr(column_converters, "_encoded", wrong)
    compilation, _, _ = compile_fitted(estimator, table, truth)
    assert compilation.reason == (
        "Its compiled form does not answer the same on rows with an odd value or a gap: the step "
        '"onehotencoder" (OneHotEncoder) gives another "city_a" than scikit-learn.'
    )


def test_without_the_converter_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishing says so and goes on."""
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    for name in ("conversion", "step_conversion"):
        monkeypatch.delitem(sys.modules, f"model_store.compile.{name}", raising=False)
    table = numbers()
    compilation, _, _ = compile_fitted(DecisionTreeClassifier(), table, target(table))
    assert compilation.reason == "The package skl2onnx is not installed."
