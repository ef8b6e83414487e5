"""For each estimator of scikit-learn the smallest table and model that it can be a part of."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import loguniform
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.experimental import (  # noqa: F401 - they bring estimators
    enable_halving_search_cv,
    enable_iterative_imputer,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

ROWS = 60
NUMBERS = ["a", "b", "c"]


class World(NamedTuple):
    """What an estimator is tried on."""

    kind: str
    """The part of the table that it stands in."""
    model: Any
    """Unfitted: the estimator itself, or a pipeline that it is a step of."""
    table: pd.DataFrame
    truth: "pd.Series[Any] | pd.DataFrame | None"


CLASSIFIERS, REGRESSORS = "Classifiers", "Regressors"
SEVERAL, ALONE = "Of several targets", "Without a target"
STEPS = "Steps before a model"


def _classifier() -> LogisticRegression:
    return LogisticRegression()


def _two(first: Any, second: Any) -> list[tuple[str, Any]]:
    return [("one", first), ("two", second)]


_ARGUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    **dict.fromkeys(
        (
            "ClassifierChain",
            "FixedThresholdClassifier",
            "FrozenEstimator",
            "MultiOutputClassifier",
            "OneVsOneClassifier",
            "OneVsRestClassifier",
            "OutputCodeClassifier",
            "RFE",
            "SelectFromModel",
            "SelfTrainingClassifier",
            "SequentialFeatureSelector",
        ),
        lambda: {"estimator": _classifier()},
    ),
    **dict.fromkeys(
        ("RFECV", "TunedThresholdClassifierCV"),
        lambda: {"estimator": _classifier(), "cv": 2},
    ),
    **dict.fromkeys(
        ("MultiOutputRegressor", "RegressorChain"),
        lambda: {"estimator": Ridge()},
    ),
    **dict.fromkeys(
        ("GridSearchCV", "HalvingGridSearchCV"),
        lambda: {"estimator": _classifier(), "param_grid": {"C": [0.1, 1.0]}, "cv": 2},
    ),
    **dict.fromkeys(
        ("RandomizedSearchCV", "HalvingRandomSearchCV"),
        lambda: {
            "estimator": _classifier(),
            "param_distributions": {"C": loguniform(0.1, 1.0)},
            "cv": 2,
            "random_state": 0,
        },
    ),
    **dict.fromkeys(
        ("StackingClassifier", "VotingClassifier"),
        lambda: {"estimators": _two(_classifier(), DecisionTreeClassifier(random_state=0))},
    ),
    **dict.fromkeys(
        ("StackingRegressor", "VotingRegressor"),
        lambda: {"estimators": _two(Ridge(), DecisionTreeRegressor(random_state=0))},
    ),
    **dict.fromkeys(
        ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"),
        lambda: {"max_iter": 10},
    ),
    **dict.fromkeys(
        ("GaussianRandomProjection", "SparseRandomProjection"),
        lambda: {"n_components": 2, "random_state": 0},
    ),
    "ColumnTransformer": lambda: {"transformers": [("scaled", StandardScaler(), ["a", "b"])]},
    "FeatureUnion": lambda: {"transformer_list": _two(StandardScaler(), Nystroem(n_components=2))},
    "HashingVectorizer": lambda: {"n_features": 64},
    "LocalOutlierFactor": lambda: {"novelty": True},
    "LogisticRegressionCV": lambda: {"Cs": 2, "cv": 2},
    "MissingIndicator": lambda: {"features": "all"},
    "Pipeline": lambda: {"steps": [("scaled", StandardScaler()), ("model", _classifier())]},
    "QuantileTransformer": lambda: {"n_quantiles": 10},
    "SparseCoder": lambda: {"dictionary": np.eye(3)},
    "VotingClassifier": lambda: {
        "estimators": _two(_classifier(), DecisionTreeClassifier(random_state=0)),
        "voting": "soft",
    },
}
_OF_TEXT = ("CountVectorizer", "HashingVectorizer", "TfidfTransformer", "TfidfVectorizer")
_TWO_LABELS = ("FixedThresholdClassifier", "TunedThresholdClassifierCV")
_SEVERAL_LABELS = ("ClassifierChain", "MultiOutputClassifier")
_SEVERAL_NUMBERS = (
    "CCA",
    "MultiOutputRegressor",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "PLSCanonical",
    "RegressorChain",
)
NO_STEP = {
    "DictVectorizer": "It takes dictionaries, and no table.",
    "FeatureHasher": "It takes dictionaries or lists of words, and no table.",
    "KernelCenterer": "It takes a kernel matrix, and no table.",
    "LabelBinarizer": "It is for targets; classifiers take labels as they are.",
    "LabelEncoder": "It is for targets; classifiers take labels as they are.",
    "MultiLabelBinarizer": "It is for targets; classifiers take labels as they are.",
    "PLSSVD": "It transforms the targets along with the table, which no step of a pipeline does.",
    "PatchExtractor": "It takes pictures, and no table.",
}
"""Transformers that no column of a table can pass, and why."""


def table(rows: int = ROWS) -> pd.DataFrame:
    """Return three columns of numbers, none below zero, and one of texts."""
    random = np.random.default_rng(0)
    words = np.array(["red", "blue", "car", "bus", "fast", "slow"], dtype=object)
    return pd.DataFrame(
        {
            "a": random.gamma(2.0, size=rows),
            "b": random.gamma(2.0, size=rows),
            "c": random.integers(0, 4, size=rows).astype("int64"),
            "text": [" ".join(random.choice(words, 3)) for _ in range(rows)],
        }
    )


def amounts(rows: pd.DataFrame) -> "pd.Series[Any]":
    """Return a number above zero for each row, `(rows,)`."""
    return (rows["a"] + 0.5 * rows["c"] + 0.1 * rows["b"] + 1.0).rename("y")


def labels(rows: pd.DataFrame, count: int = 3) -> "pd.Series[Any]":
    """Return one of some labels for each row, `(rows,)`."""
    names = np.array(["low", "mid", "top"][:count], dtype=object)
    return pd.Series(names[pd.qcut(amounts(rows), count, labels=False)], name="y")


def world_of(name: str, kind: type) -> World | str:
    """Return what an estimator is tried on; or why there is nothing that it could answer."""
    if name in NO_STEP:
        return NO_STEP[name]
    made = kind(**_ARGUMENTS.get(name, dict)())
    return _special(name, made) or _usual(name, made)


def _special(name: str, made: Any) -> World | None:
    """Return what one of a few estimators is tried on; None: it is none of them."""
    rows = table()
    numbers = rows[NUMBERS]
    if name in _SEVERAL_NUMBERS:
        several = pd.DataFrame({"y": amounts(numbers), "z": 2 * numbers["b"] + numbers["c"]})
        return World(SEVERAL, made, numbers, several)
    if name in _SEVERAL_LABELS:
        two = (labels(numbers, 2) == "mid").astype("int64")
        return World(SEVERAL, made, numbers, pd.DataFrame({"y": two, "z": two[::-1].array}))
    if name == "IsotonicRegression":
        one = ColumnTransformer([("one", "passthrough", ["a"])])
        return World(REGRESSORS, make_pipeline(one, made), numbers, amounts(numbers))
    if name in _OF_TEXT:
        steps = make_pipeline(CountVectorizer(), made) if name == "TfidfTransformer" else made
        texts = ColumnTransformer([("text", steps, "text")])
        return World(STEPS, make_pipeline(texts, _classifier()), rows, labels(numbers))
    return None


def _usual(name: str, made: Any) -> World | str:
    numbers = table()[NUMBERS]
    if is_classifier(made) or name == "FrozenEstimator":
        return World(CLASSIFIERS, made, numbers, labels(numbers, 2 if name in _TWO_LABELS else 3))
    if is_regressor(made):
        return World(REGRESSORS, made, numbers, amounts(numbers))
    if hasattr(made, "predict"):
        return World(ALONE, made, numbers, None)
    if hasattr(made, "transform"):
        return World(STEPS, make_pipeline(made, _classifier()), numbers, labels(numbers))
    is_lasting = hasattr(made, "fit_transform") or hasattr(made, "fit_predict")
    return _NOTHING_NEW if is_lasting else "It has neither predict nor transform."


_NOTHING_NEW = "It answers the rows that it was fitted to, and no new ones."
