"""A forecast compared with the one that costs nothing: an earlier value, repeated."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml_pipe.runner.quality.answers import Rows
from ml_pipe.runner.quality.metrics import ScoreOf
from model_store.manifest import Task, measured, shown


class _Repeated:
    """Answers with a column."""

    def __init__(self, column: str) -> None:
        self._column = column

    def predict(self, inputs: pd.DataFrame) -> np.ndarray:
        return inputs[self._column].to_numpy()


def beside_repeating(
    estimator: Any, known: Rows, lags: Sequence[str], task: Task, score: ScoreOf
) -> tuple[str, str]:
    """Return how good it is to repeat an earlier value of the target, and a warning; or nothing.

    Args:
        estimator: fitted.
        known: the test rows.
        lags: the inputs that are earlier values of the target.
        task: what is predicted; labels that were numbers are not repeated.
        score: its first value decides.
    """
    found = []
    for column in lags if task == "regression" else ():
        has_value = known.inputs[column].notna().to_numpy()
        rows, truth = known.inputs[has_value], known.truth[has_value]
        if len(truth) > 1:
            metric, value = next(iter(score(_Repeated(column), rows, truth, task).items()))
            own = next(iter(score(estimator, rows, truth, task).values()))
            found.append((value, column, metric, own))
    if not found:
        return "", ""
    value, column, metric, own = max(found)
    name = shown(metric, value)[0]
    beside = f"{name} {measured(metric, value)} by repeating {column}, {measured(metric, own)} by"
    if own > value:
        return f"On the test rows: {beside} the model.", ""
    return "", (
        f"The model is no better than repeating an earlier value: {beside} the model, on the test "
        "rows. It forecasts nothing: bring more rows or columns, or other lags."
    )
