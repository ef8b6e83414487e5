"""Cross-validation: of few rows, each is answered by a model that has not seen it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit
from threadpoolctl import threadpool_limits

from ml_pipe.runner.quality.answers import Answers, Remembering, Rows, answers_of, joined
from ml_pipe.runner.quality.metrics import ScoreOf
from model_store.manifest import Task

FEW_ROWS = 200
"""A table with fewer rows is cross-validated, unless the run says otherwise."""
FOLDS = 5
_FEWEST_IN_A_FOLD = 4
_ROWS_FOR_THREADS = 10_000


@dataclass(frozen=True)
class CrossValidation:
    """What came of it."""

    scores: tuple[float, ...]
    """The first score, by part."""
    truth: np.ndarray
    """`(rows,)`: of the rows that were answered."""
    answers: Answers
    """To these rows, by models that had not seen them."""

    @property
    def mean(self) -> float:
        """Return the mean score of the parts."""
        return float(np.mean(self.scores))

    @property
    def error(self) -> float:
        """Return the standard error of the mean; never 0: see `standard_error`."""
        found = float(np.std(self.scores, ddof=1) / np.sqrt(len(self.scores)))
        return found or 1.5 / len(self.truth)


def folds_for(rows: int, asked: int, split: str) -> int:
    """Return in how many parts rows are cross-validated; 0: not at all.

    Args:
        rows: how many there are.
        asked: in how many; 0: as is fit; 1: not at all.
        split: how the rows are split otherwise: only a random one is cross-validated unasked.
    """
    if asked:
        return asked if asked > 1 and not split.startswith("predefined") else 0
    return FOLDS if rows < FEW_ROWS and split == "random" else 0


def parts_of(
    truth: "pd.Series[Any]",
    task: Task,
    folds: int,
    seed: int,
    by: "tuple[str, pd.Series[Any]] | None" = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the places to learn from and to answer, for each part.

    Args:
        truth: `(rows,)`.
        task: of a classification, labels keep their shares in each part.
        folds: how many parts.
        seed: which rows they have.
        by: "time" or "group", and the column of it.
    """
    rows = np.arange(len(truth))
    folds = max(2, min(folds, len(truth) // _FEWEST_IN_A_FOLD))
    if by and by[0] == "group":
        codes = pd.factorize(by[1], use_na_sentinel=False)[0]
        return list(GroupKFold(min(folds, codes.max() + 1)).split(rows, groups=codes))
    if by and by[0] == "time":
        order = np.argsort(by[1].to_numpy(), kind="stable")
        return [(order[old], order[new]) for old, new in TimeSeriesSplit(folds).split(rows)]
    is_one = truth.ndim == 1  # the labels of several targets keep no shares
    if task == "classification" and is_one and truth.value_counts().min() >= folds:
        codes = pd.factorize(truth)[0]
        return list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, codes))
    return list(KFold(folds, shuffle=True, random_state=seed).split(rows))


def cross_validate(
    estimator: Any,
    known: Rows,
    parts: list[tuple[np.ndarray, np.ndarray]],
    task: Task,
    score: ScoreOf,
) -> CrossValidation | None:
    """Return what copies of an estimator answer to the rows that each has not seen.

    None where it cannot be copied, or where the parts lack a label that others have.
    """
    scores, truths, answers = [], [], []
    for learnt, unseen in parts:
        try:
            copied = clone(estimator)
        except TypeError:
            return None
        inputs, truth = known.inputs.iloc[unseen], known.truth.iloc[unseen]
        # Threads that wait for each other cost more than they bring on few rows.
        with threadpool_limits(1 if len(known.truth) < _ROWS_FOR_THREADS else None):
            copied.fit(known.inputs.iloc[learnt], known.truth.iloc[learnt])
            found = answers_of(copied, inputs)
        standing_in = Remembering(copied)
        standing_in.remember(inputs, found)
        scores.append(float(next(iter(score(standing_in, inputs, truth, task).values()))))
        truths.append(truth.to_numpy())
        answers.append(found)
    if len({len(a.labels) for a in answers if a.labels is not None}) > 1:
        return None
    return CrossValidation(tuple(scores), np.concatenate(truths), joined(answers))
