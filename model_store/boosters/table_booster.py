"""A model of boosted trees on the columns of a table: any labels, and categories as they are.

XGBoost takes labels from 0 on alone, and CatBoost answers booleans with text. Each has its own way
to be told which columns are categories.
"""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone

MISSING_CATEGORY = "missing"
"""What CatBoost, whose categories are texts, gets for one that is missing."""


class BoostedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """A classifier of labels of any kind: text, numbers or booleans."""

    def __init__(self, estimator: Any, categories: int = 0) -> None:
        self.estimator = estimator
        self.categories = categories

    def fit(self, X: np.ndarray, y: Any) -> Self:  # noqa: N803 - as sklearn asks
        """Fit on rows, `(rows, columns)`, of which the first `categories` are numbered categories.

        A category is a whole number from 0 on, NaN where it is missing.
        """
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        self.n_features_in_ = np.shape(X)[1]
        self.estimator_ = _fitted(self.estimator, X, codes, self.categories)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return the label of each row, `(rows,)`."""
        codes = self.estimator_.predict(_as_it_takes(self.estimator_, X, self.categories))
        return np.asarray(self.classes_[np.ravel(codes).astype(int)])

    def predict_proba(self, X: np.ndarray) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return the probability of each label, `(rows, labels)`."""
        rows = _as_it_takes(self.estimator_, X, self.categories)
        return np.asarray(self.estimator_.predict_proba(rows))


class BoostedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """A regression on columns of which the first are numbered categories."""

    def __init__(self, estimator: Any, categories: int = 0) -> None:
        self.estimator = estimator
        self.categories = categories

    def fit(self, X: np.ndarray, y: Any) -> Self:  # noqa: N803 - as sklearn asks
        """Fit on rows, `(rows, columns)`; see `BoostedClassifier.fit`."""
        self.n_features_in_ = np.shape(X)[1]
        self.estimator_ = _fitted(self.estimator, X, np.asarray(y, dtype=float), self.categories)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return the value of each row, `(rows,)`."""
        rows = _as_it_takes(self.estimator_, X, self.categories)
        return np.asarray(self.estimator_.predict(rows))


def rounds_until_worse(
    model: Any, learnt: tuple[Any, Any], held_out: tuple[Any, Any], patience: int
) -> int:
    """Return after how many rounds of boosting the answers to other rows are the best.

    Args:
        model: a `BoostedClassifier` or `BoostedRegressor`, unfitted.
        learnt: the rows to fit on, `(rows, columns)`, and their true values.
        held_out: the rows to answer, and theirs; of a label that was not learnt, none counts.
        patience: after how many rounds without improvement it ends.
    """
    (rows, truth), (others, their_truth) = learnt, held_out
    truth, their_truth = np.asarray(truth), np.asarray(their_truth)
    if isinstance(model, BoostedClassifier):
        labels, truth = np.unique(truth, return_inverse=True)
        is_known = np.isin(their_truth, labels)
        others, their_truth = others[is_known], np.searchsorted(labels, their_truth[is_known])
    if not len(their_truth):
        return int(model.estimator.get_params()[rounds_parameter(model.estimator)])
    prepared = _prepared(model.estimator, rows, model.categories)
    package = _package(prepared)
    seen = _as_it_takes(prepared, others, model.categories)
    given = [(seen, their_truth)]
    fit_on = _as_it_takes(prepared, rows, model.categories)
    if package == "lightgbm":
        import lightgbm  # noqa: PLC0415 - only who uses it has it

        stop = lightgbm.early_stopping(patience, verbose=False)
        prepared.fit(fit_on, truth, eval_X=seen, eval_y=their_truth, callbacks=[stop])
        return int(prepared.best_iteration_ or prepared.n_estimators)
    if package == "xgboost":
        prepared.set_params(early_stopping_rounds=patience)
        prepared.fit(fit_on, truth, eval_set=given, verbose=False)
        return int(prepared.best_iteration) + 1
    prepared.fit(fit_on, truth, eval_set=given, early_stopping_rounds=patience, verbose=False)
    return int(prepared.best_iteration_) + 1


def rounds_parameter(estimator: Any) -> str:
    """Return the name of the parameter that says how many rounds there are."""
    return "iterations" if _package(estimator) == "catboost" else "n_estimators"


def _fitted(estimator: Any, rows: np.ndarray, truth: np.ndarray, categories: int) -> Any:
    prepared = _prepared(estimator, rows, categories)
    prepared.fit(_as_it_takes(prepared, rows, categories), truth)
    # A service answers a few rows at a time: they are too few to be shared among threads.
    return prepared if _package(prepared) == "catboost" else prepared.set_params(n_jobs=1)


def _prepared(estimator: Any, rows: np.ndarray, categories: int) -> Any:
    """Return an unfitted copy that knows which columns are categories."""
    prepared, package = clone(estimator), _package(estimator)
    if not categories:
        return prepared
    places = list(range(categories))
    if package == "xgboost":
        kinds = ["c"] * categories + ["q"] * (np.shape(rows)[1] - categories)
        return prepared.set_params(enable_categorical=True, feature_types=kinds)
    if package == "lightgbm":
        return prepared.set_params(categorical_column=places)
    return prepared.set_params(cat_features=places)


def _as_it_takes(estimator: Any, rows: np.ndarray, categories: int) -> Any:
    """Return rows as the package takes them: CatBoost's categories are texts, and never missing."""
    if not categories or _package(estimator) != "catboost":
        return rows
    mixed = np.asarray(rows).astype(object)
    for place in range(categories):
        column = np.asarray(rows)[:, place].astype(float)
        mixed[:, place] = [
            MISSING_CATEGORY if np.isnan(each) else str(int(each)) for each in column
        ]
    return mixed


def _package(estimator: Any) -> str:
    return type(estimator).__module__.partition(".")[0]
