"""An estimator made fit for its rows: weights of the labels, and as many rounds as time allows."""

from typing import Any

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from ml_pipe.runner.errors import TableError

MOST_TREES = 3000
"""Boosting grows a tree for each label in each round; this many trees take about a minute."""
_FEWEST_ROUNDS = 8
_LARGEST_STEP = 0.3


def with_class_weight(estimator: Any, class_weight: str) -> Any:
    """Return an estimator that minds rare labels as much as frequent ones ("balanced").

    Raises:
        TableError: it cannot, or there is no such weight.
    """
    if not class_weight:
        return estimator
    if class_weight != "balanced":
        raise TableError(f'There is no class_weight "{class_weight}": write balanced, or nothing.')
    names = [name for name in estimator.get_params() if name.endswith("class_weight")]
    if not names:
        raise TableError(
            "class_weight=balanced is for a classifier that has class weights: this estimator has "
            "none."
        )
    return estimator.set_params(**{min(names, key=len): "balanced"})


def within_budget(estimator: Any, truth: "pd.Series[Any]") -> tuple[Any, str]:
    """Return an estimator that is fitted in a reasonable time, and what was changed, a sentence.

    Boosted trees of many labels get fewer rounds of larger steps: 300 labels in 60 rounds are
    18,000 trees, which take more than five minutes.

    Args:
        estimator: an unfitted one.
        truth: the labels of the training rows, `(rows,)`.
    """
    steps = getattr(estimator, "steps", None)
    model = steps[-1][1] if steps else estimator
    if not isinstance(model, HistGradientBoostingClassifier):
        return estimator, ""
    labels, rounds = int(truth.nunique()), int(model.max_iter)
    if labels * rounds <= MOST_TREES:
        return estimator, ""
    fewer = max(MOST_TREES // labels, _FEWEST_ROUNDS)
    if fewer >= rounds:
        return estimator, ""
    step = min(float(model.learning_rate) * rounds / fewer, _LARGEST_STEP)
    model.set_params(max_iter=fewer, learning_rate=step)
    return estimator, (
        f"{labels} labels in {rounds} rounds of boosting would take {labels * rounds:,} trees: "
        f"there are {fewer} rounds, with a learning rate of {step:.2g}."
    )
