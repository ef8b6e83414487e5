"""Checks of the rows: what stands in several splits, in time, and of which label."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from ml_pipe.runner.quality.copies import seen_before
from model_store.manifest import Task

_FEWEST_OF_A_LABEL = 10
_RARE = 0.1
_MOST_NAMED = 5
_FEWEST_MOMENTS = 20
_TIMES = frozenset({"year", "jahr", "date", "datum", "day", "month", "time", "timestamp", "period"})


def copies_across(splits: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return a warning where rows stand in several splits, inputs and target alike."""
    others = {name: rows for name, rows in splits.items() if name != "train"}
    found = seen_before(splits["train"], list(others.values()))
    count = int(sum(map(np.sum, found)))
    total = sum(map(len, others.values()))
    if count < max(2, total / 100):  # one row may be alike by chance
        return []
    warning = (
        f"{count} of {total} rows of {' and '.join(others)} repeat a row that stands in another "
        "split, or above them: the scores look better than they are. -p drop_duplicates=true drops "
        "such rows."
    )
    return [warning]


def sorted_in_time(table: pd.DataFrame, split: str) -> list[str]:
    """Return a warning where the rows follow each other in time and the split is random."""
    if not split.startswith("random"):
        return []
    for name in table:
        column = table[name].dropna()
        is_time = is_datetime64_any_dtype(column.dtype) or (
            is_numeric_dtype(column.dtype) and str(name).lower() in _TIMES
        )
        if not is_time or column.nunique() < _FEWEST_MOMENTS:
            continue
        if column.is_monotonic_increasing or column.is_monotonic_decreasing:
            warning = (
                f'The rows follow each other in time, by "{name}", and the split is random: the '
                "model is tested on days of which it has seen the neighbours. If it is to "
                f"predict the future: -p split=time:{name}."
            )
            return [warning]
    return []


def rare_labels(truth: "pd.Series[Any]", metric: str) -> list[str]:
    """Return warnings for labels with few rows, and for a score that hides them.

    Args:
        truth: the labels of the training rows, `(rows,)`.
        metric: the score that decides.
    """
    counts = truth.value_counts()
    counts = counts[counts > 0]
    few = counts[counts < _FEWEST_OF_A_LABEL]
    warnings = []
    if len(few):
        named = ", ".join(f"{label} ({rows})" for label, rows in few.head(_MOST_NAMED).items())
        more = f" and {len(few) - _MOST_NAMED} more" if len(few) > _MOST_NAMED else ""
        warnings.append(
            f"Labels with fewer than {_FEWEST_OF_A_LABEL} training rows: {named}{more}. The model "
            "can hardly know them: bring more rows of them, or join them with others."
        )
    share = counts.max() / counts.sum()
    if metric == "accuracy" and share > 1 - _RARE:
        warnings.append(
            f"{share:.0%} of the rows are {counts.idxmax()}, so that accuracy says little: see "
            "balanced accuracy, or let it decide (-p metric=balanced_accuracy; average_precision "
            "for two labels)."
        )
    return warnings


def far_above_test(
    scores: Mapping[str, float], guess: float | None, error: float | None
) -> list[str]:
    """Return a warning where the model is far better on the rows that it has learnt.

    Args:
        scores: the deciding score, by split.
        guess: that of guessing.
        error: the standard error of the test score.
    """
    gap = scores["train"] - scores["test"]
    if guess is None or error is None:
        return []
    if gap > 3 * error and gap > 0.5 * (scores["train"] - guess):
        warning = (
            f"It is far better on the rows that it has learnt ({scores['train']:.3g}) than on the "
            f"test rows ({scores['test']:.3g}): it has learnt rows by heart. A simpler model or "
            "more rows may do better."
        )
        return [warning]
    return []


def check_splits(
    table: pd.DataFrame, splits: Mapping[str, pd.DataFrame], task: Task, target: str, split: str
) -> list[str]:
    """Return the warnings about the rows that can be seen before a model is fitted."""
    missing: list[str] = []
    if task == "classification":
        learnt = set(splits["train"][target].dropna().unique())
        for name, rows in splits.items():
            unknown = [
                str(label) for label in rows[target].dropna().unique() if label not in learnt
            ]
            if unknown:
                missing.append(
                    f"The {name} rows have labels that no training row has: "
                    f"{', '.join(unknown[:_MOST_NAMED])}. They can never be answered."
                )
    return [*copies_across(splits), *sorted_in_time(table, split), *missing]
