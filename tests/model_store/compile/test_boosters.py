"""Boosted trees of LightGBM, XGBoost and CatBoost are compiled, and answer as their packages do."""

import warnings
from typing import Any

import pytest
from sklearn.ensemble import StackingClassifier, VotingRegressor
from sklearn.model_selection import FixedThresholdClassifier

from model_store.boosters.table_booster import BoostedClassifier, BoostedRegressor
from model_store.bundle import Compilation
from model_store.compile.compiling import compile_estimator
from model_store.golden import golden_rows
from tests.model_store.boosters.boosted_table import fitted
from tests.model_store.boosters.test_storing import MADE, model_of

pytestmark = pytest.mark.slow  # the packages take a second to be imported

# CatBoost counts categories in a way of its own.
CATEGORIES = {"lightgbm": 1, "xgboost": 1, "catboost": 0}


def compiled(model: Any, target: str) -> Compilation:
    """Return what comes of compiling a pipeline with this model, fitted on this target."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator, signature, rows = fitted(model, target)
        return compile_estimator(estimator, signature, golden_rows(estimator, signature, rows))


@pytest.mark.parametrize("package", MADE)
@pytest.mark.parametrize("target", ["text", "pair", "flag", "code"])
def test_classifiers_are_compiled(package: str, target: str) -> None:
    """Text, booleans and numbers as labels, gaps, and categories that training never saw."""
    trees = model_of(package, "Classifier")
    found = compiled(BoostedClassifier(trees, CATEGORIES[package]), target)
    assert found.reason == ""
    assert found.compiled
    assert found.compiled.probabilities
    assert (
        found.compiled.labels
        == {
            "text": ("high", "low", "mid"),
            "pair": ("no", "yes"),
            "flag": (False, True),
            "code": (3, 7, 9),
        }[target]
    )


@pytest.mark.parametrize(
    ("package", "target", "options"),
    [
        ("lightgbm", "amount", {}),
        ("lightgbm", "amount", {"boosting_type": "dart"}),
        ("lightgbm", "amount", {"objective": "quantile", "alpha": 0.9}),
        ("lightgbm", "rate", {"objective": "poisson"}),
        ("xgboost", "amount", {}),
        ("xgboost", "amount", {"booster": "dart", "rate_drop": 0.3}),
        ("xgboost", "amount", {"missing": 3.0}),
        ("xgboost", "rate", {"objective": "count:poisson"}),
        ("catboost", "amount", {}),
        ("catboost", "amount", {"grow_policy": "Lossguide"}),
        ("catboost", "amount", {"nan_mode": "Max"}),
        ("catboost", "rate", {"loss_function": "Poisson"}),
    ],
)
def test_regressions_are_compiled(package: str, target: str, options: dict[str, Any]) -> None:
    """With the usual objectives and ways to grow."""
    trees = model_of(package, "Regressor", **options)
    categories = 0 if "missing" in options else CATEGORIES[package]
    assert compiled(BoostedRegressor(trees, categories), target).reason == ""


@pytest.mark.parametrize("package", MADE)
def test_a_model_of_the_package_alone_is_compiled(package: str) -> None:
    """Without ours around it; so is one among others, and one with a threshold."""
    assert compiled(model_of(package, "Regressor"), "amount").reason == ""
    together = VotingRegressor([("trees", BoostedRegressor(model_of(package, "Regressor")))])
    assert compiled(together, "amount").reason == ""
    stacked = StackingClassifier([("trees", BoostedClassifier(model_of(package, "Classifier")))])
    assert compiled(stacked, "pair").reason == ""
    classifier = BoostedClassifier(model_of(package, "Classifier"))
    careful = FixedThresholdClassifier(classifier, threshold=0.3, pos_label="yes")
    assert compiled(careful, "pair").reason == ""


@pytest.mark.parametrize(
    ("package", "options", "reason"),
    [
        ("lightgbm", {"linear_tree": True}, "Its leaves are linear models"),
        ("lightgbm", {"zero_as_missing": True}, "It takes zeros for missing values"),
        ("xgboost", {"booster": "gblinear", "max_depth": None}, "It boosts no trees"),
        ("catboost", {"loss_function": "LogCosh"}, "Its objective is LogCosh"),
    ],
)
def test_what_a_graph_cannot_has_a_reason(
    package: str, options: dict[str, Any], reason: str
) -> None:
    """It is served by its package."""
    given = {key: value for key, value in options.items() if key != "max_depth"}
    found = compiled(model_of(package, "Regressor", **given), "amount")
    assert found.compiled is None
    assert reason in found.reason


@pytest.mark.parametrize("target", ["text", "pair", "amount"])
def test_few_categories_of_catboost_are_compiled(target: str) -> None:
    """Each has a split of its own, and so has a missing one; an unknown one has none."""
    options = {"one_hot_max_size": 20, "iterations": 20}
    around, kind = (
        (BoostedRegressor, "Regressor") if target == "amount" else (BoostedClassifier, "Classifier")
    )
    found = compiled(around(model_of("catboost", kind, **options), 1), target)
    assert found.reason == ""


def test_categories_that_catboost_counts_are_served_by_catboost() -> None:
    """It counts the target in each, which a graph does not."""
    found = compiled(BoostedClassifier(model_of("catboost", "Classifier"), 1), "text")
    assert "It counts the target in categories, which a graph does not" in found.reason


def test_the_trees_do_split_by_categories() -> None:
    """Or the tests above would show nothing of it."""
    for package in ("lightgbm", "xgboost"):
        estimator, *_ = fitted(BoostedClassifier(model_of(package, "Classifier"), 1), "text")
        trees = estimator[-1].estimator_
        if package == "lightgbm":
            assert "num_cat=1" in trees.booster_.model_to_string()
        else:
            assert b'"categories_nodes":[0' in bytes(trees.get_booster().save_raw("json"))
