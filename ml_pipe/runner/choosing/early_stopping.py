"""After how many rounds boosted trees of other packages stop: when other rows gain nothing."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from ml_pipe.runner.quality.answers import Rows
from ml_pipe.runner.quality.cross_validation import FEW_ROWS
from ml_pipe.runner.run.progress import doing
from model_store.boosters.table_booster import (
    BoostedClassifier,
    BoostedRegressor,
    rounds_parameter,
    rounds_until_worse,
)

_PATIENCE = 30
"""Rounds without improvement, after which boosting stops."""
_SHARE = 0.2
_FEWEST_OF_A_LABEL = 5
_MOST_TREES, _FEWEST_ROUNDS = 15_000, 20


def boosted_of(estimator: Any) -> Any:
    """Return the boosted trees of another package at the end of a pipeline, or None."""
    steps = getattr(estimator, "steps", None)
    model = steps[-1][1] if steps else estimator
    return model if isinstance(model, BoostedClassifier | BoostedRegressor) else None


def stopped_early(
    estimator: Any, known: Rows, validation: Rows, seed: int, *, is_random: bool = True
) -> tuple[Any, str, bool]:
    """Return an unfitted estimator with as many rounds of boosting as other rows ask for.

    These are the validation rows; where rows are few, a fifth of the training rows, so that the
    others stay unseen. Then what was found, a sentence, and whether it was by the validation rows.
    An estimator without boosted trees of another package is returned as it is.

    Args:
        estimator: unfitted.
        known: the training rows.
        validation: those to stop by.
        seed: which training rows are taken where rows are few.
        is_random: whether any will do; else they are the last ones.
    """
    model = boosted_of(estimator)
    if model is None:
        return estimator, "", False
    name = rounds_parameter(model.estimator)
    most = _within_budget(model, name, known.truth)
    learnt, by = known, validation
    is_few = len(known.truth) + len(validation.truth) < FEW_ROWS
    if is_few:
        learnt, by = _parted(known, seed, is_random=is_random)
    doing(f"boosting until {len(by.truth):,} rows get no better answers")
    rows, others = learnt.inputs, by.inputs
    if hasattr(estimator, "steps"):
        before = clone(estimator[:-1])
        rows = before.fit_transform(rows, learnt.truth)
        others = before.transform(others)
    rounds = rounds_until_worse(
        model, (np.asarray(rows), learnt.truth), (np.asarray(others), by.truth), _PATIENCE
    )
    model.estimator.set_params(**{name: rounds})
    where = "a fifth of the training rows" if is_few else "the validation rows"
    kind = type(model.estimator).__name__
    sentence = f"{kind} stopped early: {rounds} of at most {most} rounds, the best on {where}."
    return estimator, sentence, not is_few


def _within_budget(model: Any, name: str, truth: "pd.Series[Any]") -> int:
    """Return the most rounds: fewer where each grows a tree for each of many labels."""
    most = int(model.estimator.get_params()[name])
    labels = int(truth.nunique()) if isinstance(model, BoostedClassifier) else 1
    # A tree of CatBoost answers all labels.
    if name == "iterations" or labels <= 2:  # noqa: PLR2004 - two labels share a tree
        return most
    fewer = min(most, max(_MOST_TREES // labels, _FEWEST_ROUNDS))
    model.estimator.set_params(**{name: fewer})
    return fewer


def _parted(known: Rows, seed: int, *, is_random: bool) -> tuple[Rows, Rows]:
    """Return most of some rows, and a fifth of them."""
    counts = known.truth.value_counts()
    labels = known.truth if counts.min() >= _FEWEST_OF_A_LABEL and is_random else None
    inputs, others, truth, theirs = train_test_split(
        known.inputs,
        known.truth,
        test_size=_SHARE,
        random_state=seed if is_random else None,
        shuffle=is_random,
        stratify=labels,
    )
    return Rows(inputs, truth), Rows(others, theirs)
