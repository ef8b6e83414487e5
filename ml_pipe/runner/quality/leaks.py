"""Columns that alone predict the target: they may hold the answer, which nobody has beforehand."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from model_store.manifest import Task
from model_store.schema.arrays.array_cells import holds_arrays

MOST_ROWS = 4000
_CELLS = 1_000_000
_FEWEST_ROWS = 40
ALONE = 0.98
"""From this balanced accuracy, or R2, on, a column is suspected."""


def leaking_columns(
    inputs: pd.DataFrame, truth: "pd.Series[Any]", task: Task, seed: int
) -> list[str]:
    """Return a warning for each column that alone predicts the target.

    A small tree learns it on half of at most 4,000 rows, and answers the other half.

    Args:
        inputs: `(rows, columns)`.
        truth: the true values, `(rows,)`.
        task: what is predicted.
        seed: which rows these are.
    """
    most = min(MOST_ROWS, max(_FEWEST_ROWS * 2, _CELLS // max(len(inputs.columns), 1)))
    places = np.random.default_rng(seed).permutation(len(inputs))[:most]
    values = truth.iloc[places]
    labels = values.to_numpy(dtype=float) if task == "regression" else pd.factorize(values)[0]
    if len(places) < _FEWEST_ROWS:
        return []
    warnings = []
    for name in inputs:
        column = _as_numbers(inputs[name].iloc[places])
        if column is None:
            continue
        found = _alone(column, labels, task, seed)
        if found >= ALONE:
            score = "R2" if task == "regression" else "balanced accuracy"
            warnings.append(
                f'The column "{name}" alone predicts {truth.name} ({score} {found:.3g}): does it '
                f"hold the answer? If nobody has it beforehand: -p leave_out={name}."
            )
    return warnings


def _alone(column: np.ndarray, labels: np.ndarray, task: Task, seed: int) -> float:
    """Return the score of a tree of one column on the rows that it has not seen."""
    half = len(labels) // 2
    model = (
        DecisionTreeRegressor(min_samples_leaf=2, max_depth=8, random_state=seed)
        if task == "regression"
        else DecisionTreeClassifier(min_samples_leaf=2, max_depth=8, random_state=seed)
    )
    if len(np.unique(labels[half:])) < 2 or len(np.unique(labels[:half])) < 2:  # noqa: PLR2004
        return 0.0
    answers = model.fit(column[:half], labels[:half]).predict(column[half:])
    if task == "regression":
        return float(r2_score(labels[half:], answers))
    known = np.isin(labels[half:], labels[:half])
    return float(balanced_accuracy_score(labels[half:][known], answers[known]))


def _as_numbers(column: "pd.Series[Any]") -> np.ndarray | None:
    """Return a column as numbers, `(rows, 1)`, NaN where missing; None where each value is new."""
    if is_datetime64_any_dtype(column.dtype):
        numbers = column.astype("int64").to_numpy(dtype=float)
        numbers[column.isna().to_numpy()] = np.nan
    elif is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
    elif holds_arrays(column):
        return None
    else:
        codes, values = pd.factorize(column.astype(object))
        if len(values) > len(column) / 2:
            return None
        numbers = np.where(codes < 0, np.nan, codes.astype(float))
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    return None if np.isnan(numbers).all() else numbers.reshape(-1, 1)
