"""Probabilities that mean what they say, fitted on the validation rows by scikit-learn."""

from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.answers import Rows

METHODS = ("temperature", "sigmoid", "isotonic")
"""Temperature changes no answer, needs few rows, and is compiled; isotonic needs the most rows."""

_FEWEST_OF_A_LABEL = 2
_MOST_PARTS = 5
_FEWEST_FOR_ISOTONIC = 200


def with_calibration(estimator: Any, method: str, validation: Rows) -> tuple[Any, str]:
    """Return a fitted classifier whose probabilities are calibrated, and how, a sentence.

    Args:
        estimator: a fitted classifier with probabilities, or with distances, which become some.
        method: one of `METHODS`; empty: none.
        validation: rows that it was not fitted on.

    Raises:
        TableError: there is no such method, or the rows are too few for it.
    """
    if not method:
        return estimator, ""
    if method not in METHODS:
        raise TableError(f'There is no calibration "{method}": write {", ".join(METHODS)}.')
    if not hasattr(estimator, "predict_proba") and not hasattr(estimator, "decision_function"):
        raise TableError(
            "A calibration is for a classifier with probabilities or distances: this one has none."
        )
    counts = validation.truth.value_counts()
    rarest = int(counts.reindex(estimator.classes_, fill_value=0).min())
    if rarest < _FEWEST_OF_A_LABEL:
        raise TableError(
            f"The calibration needs {_FEWEST_OF_A_LABEL} validation rows of each label, and one "
            f"has {rarest}: bring more rows, raise validation_share, or leave calibrate out."
        )
    if method == "isotonic" and len(validation.truth) < _FEWEST_FOR_ISOTONIC:
        raise TableError(
            f"calibrate=isotonic needs {_FEWEST_FOR_ISOTONIC} validation rows and has "
            f"{len(validation.truth)}: write calibrate=temperature."
        )
    calibrated = CalibratedClassifierCV(
        FrozenEstimator(estimator),
        method=method,
        # Copies of what is frozen are itself: nothing is fitted anew but the calibration.
        cv=min(_MOST_PARTS, rarest),
        ensemble=False,
    ).fit(validation.inputs, validation.truth.to_numpy())
    rows = f"{len(validation.truth):,} validation rows"
    after = f"log loss {_loss(calibrated, validation):.3g}"
    if not hasattr(estimator, "predict_proba"):
        made = f"The probabilities are made of distances by {method} on the {rows}"
        return calibrated, f"{made}: {after} on these rows."
    return calibrated, (
        f"The probabilities are calibrated by {method} on the {rows}: log loss "
        f"{_loss(estimator, validation):.3g} before, {after.removeprefix('log loss ')} after, on "
        "these rows."
    )


def _loss(estimator: Any, known: Rows) -> float:
    shares = np.asarray(estimator.predict_proba(known.inputs))
    return float(log_loss(known.truth, shares, labels=estimator.classes_))
