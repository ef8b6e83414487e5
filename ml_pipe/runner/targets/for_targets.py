"""An estimator of one target, made to answer several."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sklearn.base import is_classifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags


def for_targets(estimator: Any, targets: Sequence[str]) -> Any:
    """Return an estimator that learns all of these targets.

    It is the given one where it takes several, such as a forest or a linear model; otherwise its
    last step becomes one copy a target (`MultiOutputRegressor`, `MultiOutputClassifier`).

    Args:
        estimator: an unfitted one.
        targets: their names.
    """
    if len(targets) == 1:
        return estimator
    is_pipeline = isinstance(estimator, Pipeline)
    last = estimator.steps[-1][1] if is_pipeline else estimator
    if get_tags(last).target_tags.multi_output:
        return estimator
    several = MultiOutputClassifier(last) if is_classifier(last) else MultiOutputRegressor(last)
    if not is_pipeline:
        return several
    *before, (name, _) = estimator.steps
    return Pipeline([*before, (name, several)])


def widest(truth: "pd.Series[Any] | pd.DataFrame") -> "pd.Series[Any]":
    """Return the true values of a target, of several those with the most distinct values."""
    if isinstance(truth, pd.Series):
        return truth
    return truth[truth.nunique().idxmax()]
