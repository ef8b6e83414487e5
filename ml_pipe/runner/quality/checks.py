"""`check`: all that can be wrong with a table and its split although a model learns from it."""

from collections.abc import Mapping

import pandas as pd

from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.column_checks import (
    constant_columns,
    known_afterwards,
    later_dates,
    numbered_rows,
)
from ml_pipe.runner.quality.leaks import leaking_columns
from ml_pipe.runner.quality.split_checks import check_splits, rare_labels


def check(
    run: RunData,
    splits: Mapping[str, pd.DataFrame],
    *,
    split: str = "random",
    metric: str = "",
    seed: int = 7,
) -> list[str]:
    """Return what to beware of, sentences that say what to do; mostly none.

    Args:
        run: what `load` returned.
        splits: "train", "test" and "validation", each `(rows, columns)`.
        split: how they were made, as the parameter says it.
        metric: the score that decides; empty: accuracy or R2.
        seed: which rows are looked at where they are many.
    """
    if len(run.targets) > 1:
        found = [
            warning
            for target in run.targets
            for warning in check(run.of_one(target), splits, split=split, metric=metric, seed=seed)
        ]
        return list(dict.fromkeys(found))
    learnt = splits["train"]
    inputs = learnt[run.names]
    deciding = metric or ("accuracy" if run.task == "classification" else "r2")
    # Earlier values of the target are what a forecast is made of.
    names = [name for name in run.names if name not in run.facts.lags]
    return [
        *leaking_columns(inputs[names], learnt[run.target], run.task, seed),
        *known_afterwards(names, run.target),
        *later_dates(inputs),
        *numbered_rows(inputs),
        *constant_columns(inputs),
        *check_splits(run.table, splits, run.task, run.target, split),
        *(rare_labels(learnt[run.target], deciding) if run.task == "classification" else ()),
    ]
