"""How good a model is that was given no true values, and whether it is better than guessing."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import roc_auc_score, silhouette_score

from ml_pipe.runner.card import ASK
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.evaluated import Evaluation
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.guessing import LEVEL
from ml_pipe.runner.run.progress import doing
from ml_pipe.runner.run.run_folder import keep_summary
from ml_pipe.runner.summary import Comparison, Look, Summary
from ml_pipe.runner.untargeted.made_up import shuffled_columns, spread_rows

AUC, FLAGGED = "auc_of_made_up_rows", "share_of_anomalies"
SILHOUETTE = "silhouette"
MOST_CLUSTERS = 8
"""The largest number of clusters that is tried where none is asked for."""
_ROUNDS = 20
_MOST_ROWS = 2_000
_WHERE = "the test and validation rows"


def judge(
    run: RunData, estimator: Any, splits: Mapping[str, pd.DataFrame], *, seed: int = 7
) -> Evaluation:
    """Return how good a fitted estimator is on rows that it has not seen, without true values.

    An anomaly detector must find rows that were made up more unusual than real ones. Clusters must
    be further apart than those of a table whose columns were shuffled, each by itself.

    Args:
        run: what `answered` returned.
        estimator: fitted on the rows of `splits["train"]`.
        splits: the rows "train", "test" and "validation".
        seed: which rows are made up.

    Raises:
        TableError: there are too few rows to say anything.
    """
    doing("comparing with guessing")
    inputs = {name: rows[run.names] for name, rows in splits.items()}
    unseen = pd.concat([splits[name] for name in splits if name != "train"])
    judged = _anomalies if run.task == "anomaly-detection" else _clusters
    by_split, look, warnings = judged(estimator, inputs, unseen[run.names], seed)
    comparison = Comparison(rows=len(unseen), where=_WHERE, looks=(look,))
    metric = next(iter(by_split["test"]))
    summary = Summary(
        model=run.facts.model,
        task=run.task,
        target=run.target,
        source=run.facts.source,
        task_reason=run.facts.task_reason,
        rows={name: len(rows) for name, rows in splits.items()},
        dropped=run.facts.dropped,
        columns=tuple(run.names),
        left_out=run.facts.left_out,
        notes=tuple(run.facts.notes),
        metric=metric,
        scores={name: dict(found) for name, found in by_split.items()},
        comparison=comparison,
        warnings=tuple(warnings),
    )
    keep_summary(run.folder, summary)
    return Evaluation(
        by_split=by_split,
        guessed={},
        unseen=unseen,
        answers=np.asarray(estimator.predict(unseen[run.names])),
        importance={},
        groups=None,
        fairness=f"Not checked: there are no true values to compare groups by. {ASK}",
        comparison=comparison,
        summary=summary,
        warnings=tuple(warnings),
    )


def number_of_clusters(estimator: Any, inputs: pd.DataFrame, *, seed: int = 7) -> int:
    """Return the number of clusters, from 2 on, that are furthest apart; see `silhouette_score`.

    Args:
        estimator: an unfitted pipeline that ends in clusters; its last step has `n_clusters`.
        inputs: the training rows, `(rows, columns)`.
        seed: which rows are measured, where they are many.
    """
    found = {}
    for count in range(2, MOST_CLUSTERS + 1):
        tried = clone(estimator)
        tried.steps[-1][1].set_params(n_clusters=count)
        tried.fit(inputs)
        found[count] = _silhouette(tried, inputs, seed)
    return max(found, key=lambda count: found[count])


def _anomalies(
    estimator: Any, inputs: Mapping[str, pd.DataFrame], unseen: pd.DataFrame, seed: int
) -> tuple[dict[str, dict[str, float]], Look, Sequence[str]]:
    scores = {name: _unusual(estimator, rows) for name, rows in inputs.items()}
    odd = {
        name: _unusual(estimator, spread_rows(inputs["train"], len(rows), seed + place))
        for place, (name, rows) in enumerate(inputs.items())
    }
    by_split = {
        name: {
            AUC: _auc(scores[name], odd[name]),
            FLAGGED: float(np.mean(estimator.predict(rows)[:, 0].astype(bool))),
        }
        for name, rows in inputs.items()
    }
    others = [name for name in inputs if name != "train"]
    real = np.concatenate([scores[name] for name in others])
    made = np.concatenate([odd[name] for name in others])
    p = float(stats.mannwhitneyu(made, real, alternative="greater").pvalue)
    look = Look(
        score="AUC of made-up rows among real ones",
        model=_auc(real, made),
        guess=0.5,
        by="at random",
        p=p,
        is_beaten=p < LEVEL / 2,
    )
    share = float(np.mean([by_split[name][FLAGGED] for name in others]))
    expected = by_split["train"][FLAGGED]
    flagged = round(share * len(unseen))
    warnings = []
    if stats.binomtest(flagged, len(unseen), max(expected, 1e-6)).pvalue < LEVEL:
        warnings.append(
            f"{share:.1%} of the rows that it has not seen are anomalies, and {expected:.1%} of "
            "those that it learnt: more rows, or a simpler detector, would generalise better."
        )
    return by_split, look, warnings


def _clusters(
    estimator: Any, inputs: Mapping[str, pd.DataFrame], unseen: pd.DataFrame, seed: int
) -> tuple[dict[str, dict[str, float]], Look, Sequence[str]]:
    by_split = {
        name: {SILHOUETTE: _silhouette(estimator, rows, seed)} for name, rows in inputs.items()
    }
    own = _silhouette(estimator, unseen, seed)
    # The same columns without what holds them together: whatever is found in these is chance.
    chance = np.array(
        [
            _silhouette(
                clone(estimator).fit(shuffled_columns(inputs["train"], seed + each)),
                shuffled_columns(unseen, seed + each),
                seed,
            )
            for each in range(_ROUNDS)
        ]
    )
    spread = max(float(chance.std(ddof=1)), 1e-9)
    # Of a mean that is estimated, too.
    p = float(stats.t.sf((own - chance.mean()) / (spread * np.sqrt(1 + 1 / _ROUNDS)), _ROUNDS - 1))
    look = Look(
        score="silhouette",
        model=own,
        guess=float(chance.mean()),
        by="clusters of shuffled columns",
        p=p,
        is_beaten=p < LEVEL / 2,
    )
    shares = pd.Series(estimator.predict(inputs["train"])).value_counts(normalize=True)
    warnings = [
        f"Cluster {label} holds {share:.1%} of the training rows alone: it may be a few odd rows."
        for label, share in shares.items()
        if share < 0.01  # noqa: PLR2004 - one of a hundred
    ]
    return by_split, look, warnings


def _unusual(estimator: Any, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(estimator.predict(rows)[:, 1], dtype=float)


def _auc(real: np.ndarray, made: np.ndarray) -> float:
    truth = np.repeat([0, 1], [len(real), len(made)])
    return float(roc_auc_score(truth, np.concatenate([real, made])))


def _silhouette(estimator: Any, rows: pd.DataFrame, seed: int) -> float:
    """Return how much nearer rows are to their own cluster than to the next one, -1 to 1."""
    chosen = np.random.default_rng(seed).permutation(len(rows))[:_MOST_ROWS]
    sample = rows.iloc[chosen]
    labels = estimator.predict(sample)
    if len(np.unique(labels)) < 2:  # noqa: PLR2004 - no next one
        return 0.0
    if len(sample) <= len(np.unique(labels)):
        raise TableError(f"{len(sample)} rows are too few for {len(np.unique(labels))} clusters.")
    return float(silhouette_score(estimator[:-1].transform(sample), labels))
