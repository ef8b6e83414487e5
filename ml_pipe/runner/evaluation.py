"""`evaluate`: the second of the three calls: how good a fitted estimator is, for whom, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.inspection import permutation_importance

from ml_pipe.runner.card import ASK
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.table.column_names import check_names
from model_store.manifest import Score, Task

SMALLEST_GROUP = 10
"""A group with fewer rows is shown and not compared: its score is chance."""
MOST_GROUPS = 20
_IMPORTANCE_ROWS = 500

ScoreOf = Callable[[Any, pd.DataFrame, "pd.Series[Any]", Task], Mapping[str, float]]
"""A fitted estimator's scores by name, on inputs `(rows, columns)` with true values `(rows,)`.

The first one decides on acceptance, and more of it is better.
"""


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found."""

    by_split: Mapping[str, Mapping[str, float]]
    """The scores of each split: train, test, validation."""
    guessed: Mapping[str, float]
    """Those of the best guess that ignores the inputs, on the test rows."""
    unseen: pd.DataFrame
    """The rows of test and validation."""
    answers: np.ndarray
    """The estimator's answers to these rows."""
    importance: Mapping[str, float]
    """How much the deciding score falls when a column is shuffled, most important first."""
    groups: pd.DataFrame | None
    """One row a group: `rows` and `score`, NaN where they are too few; None: no group was named."""
    fairness: str
    """What is known of the groups, a sentence for the model card."""

    @property
    def deciding(self) -> str:
        """Return the name of the score that decides on acceptance."""
        return next(iter(self.by_split["test"]))

    @property
    def decisive(self) -> dict[str, float]:
        """Return the deciding score of each split."""
        return {name: found[self.deciding] for name, found in self.by_split.items()}

    @property
    def bias(self) -> float:
        """Return the largest difference between the scores of groups; 0 where there are none."""
        return 0.0 if self.groups is None else bias_of(self.groups)

    @property
    def scores(self) -> tuple[Score, ...]:
        """Return all scores, as the manifest keeps them."""
        return tuple(
            Score(metric=metric, split=name, value=float(value))
            for name, found in self.by_split.items()
            for metric, value in found.items()
        )

    @property
    def overview(self) -> pd.DataFrame:
        """Return a table of all scores: one row a score, one column a split, and the guess."""
        return pd.DataFrame({**self.by_split, "test, guessed": self.guessed})


def evaluate(  # noqa: PLR0913 - two of them are options
    run: RunData,
    estimator: Any,
    splits: Mapping[str, pd.DataFrame],
    score: ScoreOf,
    *,
    group: str = "",
    seed: int = 7,
) -> Evaluation:
    """Return how good a fitted estimator is, what its answers depend on, and for whom it is worse.

    Args:
        run: what `load` returned.
        estimator: fitted on the rows of `splits["train"]`; it has `predict`.
        splits: the rows "train", "test" and "validation", each `(rows, columns)`, as `split` of
            02_train_test_validate returns them.
        score: your own measure, or that of 02_train_test_validate.
        group: the column whose groups are compared; empty: none.
        seed: which rows are shuffled for the importance.

    Raises:
        TableError: there is no such group, or it has too many values.
    """
    names, target, task = run.names, run.target, run.task
    train, test = splits["train"], splits["test"]
    dummy = DummyClassifier() if task == "classification" else DummyRegressor()
    guess = dummy.fit(train[names], train[target])
    unseen = pd.concat([test, splits["validation"]])
    groups = None
    fairness = f"Not checked: the run named no group. {ASK}"
    if group:
        groups = score_groups(estimator, unseen, (group, target), task, score)
        bias = f"{bias_of(groups):.3g}"
        fairness = f"The score differs by at most {bias} between the groups of {group}."
    return Evaluation(
        by_split={
            name: dict(score(estimator, rows[names], rows[target], task))
            for name, rows in splits.items()
        },
        guessed=dict(score(guess, test[names], test[target], task)),
        unseen=unseen,
        answers=np.asarray(estimator.predict(unseen[names])),
        importance=importance_of(
            estimator,
            unseen[names],
            unseen[target],
            seed,
            lambda model, rows, truth: score(model, rows, truth, task),
        ),
        groups=groups,
        fairness=fairness,
    )


def importance_of(
    estimator: Any,
    inputs: pd.DataFrame,
    truth: "pd.Series[Any]",
    seed: int,
    score: Callable[..., Mapping[str, float]],
) -> dict[str, float]:
    """Return how much the first score falls when a column is shuffled, most important column first.

    Args:
        estimator: a fitted one.
        inputs: `(rows, columns)`, of which at most 500 rows are used.
        truth: the true values, `(rows,)`.
        seed: which rows these are, and how they are shuffled.
        score: returns the scores of estimator, inputs and truth.
    """
    rows = np.random.default_rng(seed).permutation(len(inputs))[:_IMPORTANCE_ROWS]
    found = permutation_importance(
        estimator,
        inputs.iloc[rows],
        truth.iloc[rows],
        n_repeats=3,
        random_state=seed,
        scoring=lambda *asked: next(iter(score(*asked).values())),
    )
    falls = zip(inputs.columns, found.importances_mean.tolist(), strict=True)
    return dict(sorted(falls, key=lambda item: -item[1]))


def score_groups(
    estimator: Any, table: pd.DataFrame, names: tuple[str, str], task: Task, score: ScoreOf
) -> pd.DataFrame:
    """Return one row a group: its rows, and its score, NaN where they are too few.

    Args:
        estimator: a fitted one.
        table: rows that training has not seen, with inputs and target.
        names: the columns of the group and of the target.
        task: what the score is of.
        score: see `ScoreOf`.

    Raises:
        TableError: there is no such column, or it has too many values to be groups.
    """
    group, target = names
    check_names(table, group)
    groups = table[group].astype(object).where(table[group].notna(), "missing").astype(str)
    if groups.nunique() > MOST_GROUPS:
        raise TableError(
            f'The column "{group}" has {groups.nunique()} values, which are too many groups to '
            f"compare: name one with at most {MOST_GROUPS}, or add a column of ranges."
        )
    found = {}
    for name, rows in table.groupby(groups):
        value = np.nan
        if len(rows) >= SMALLEST_GROUP:
            scores = score(estimator, rows.drop(columns=target), rows[target], task)
            value = next(iter(scores.values()))
        found[str(name)] = {"rows": len(rows), "score": value}
    return pd.DataFrame(found).T.astype({"rows": int})


def bias_of(groups: pd.DataFrame) -> float:
    """Return the largest difference between the scores of groups; 0 where none can be compared."""
    scores = groups["score"].dropna()
    return float(scores.max() - scores.min()) if len(scores) else 0.0
