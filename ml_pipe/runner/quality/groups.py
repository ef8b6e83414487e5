"""For whom a model is worse: its score in each group of rows."""

from typing import Any

import numpy as np
import pandas as pd

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.answers import Answers, Remembering
from ml_pipe.runner.quality.metrics import ScoreOf
from ml_pipe.runner.run.personal import personal_columns
from ml_pipe.runner.table.column_names import check_names
from model_store.manifest import Task
from model_store.schema.arrays.array_cells import holds_arrays

SMALLEST_GROUP = 10
"""A group with fewer rows is shown and not compared: its score is chance."""
MOST_GROUPS = 20


def score_groups(  # noqa: PLR0913 - the last is what is known already
    estimator: Any,
    table: pd.DataFrame,
    names: tuple[str, str],
    task: Task,
    score: ScoreOf,
    *,
    answers: Answers | None = None,
) -> pd.DataFrame:
    """Return one row a group: its rows, and its score, NaN where they are too few.

    Args:
        estimator: a fitted one.
        table: rows that training has not seen, with inputs and target.
        names: the columns of the group and of the target.
        task: what the score is of.
        score: see `ScoreOf`.
        answers: what it answers to these rows; None: it is asked.

    Raises:
        TableError: there is no such column, or it has too many values to be groups.
    """
    group, target = names
    check_names(table, group)
    if group in personal_columns():
        raise TableError(
            f'The column "{group}" is personal by LOG_PERSONAL_FIELDS, and its groups would be '
            "shown by their values: compare groups of another column."
        )
    if holds_arrays(table[group]):
        raise TableError(f'The column "{group}" holds arrays, which are no groups: name another.')
    groups = table[group].astype(object).where(table[group].notna(), "missing").astype(str)
    if groups.nunique() > MOST_GROUPS:
        raise TableError(
            f'The column "{group}" has {groups.nunique()} values, which are too many groups to '
            f"compare: name one with at most {MOST_GROUPS}, or add a column of ranges."
        )
    remembering = Remembering(estimator)
    inputs = table.drop(columns=target)
    known = answers or remembering.ask(inputs)
    found = {}
    for name in sorted(groups.unique()):
        is_in = (groups == name).to_numpy()
        rows, value = inputs[is_in], np.nan
        if len(rows) >= SMALLEST_GROUP:
            remembering.remember(rows, known.take(is_in))
            value = next(iter(score(remembering, rows, table[target][is_in], task).values()))
        found[str(name)] = {"rows": len(rows), "score": value}
    return pd.DataFrame(found).T.astype({"rows": int})


def bias_of(groups: pd.DataFrame) -> float:
    """Return the largest difference between the scores of groups; 0 where none can be compared."""
    scores = groups["score"].dropna()
    return float(scores.max() - scores.min()) if len(scores) else 0.0
