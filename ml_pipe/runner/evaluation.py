"""`evaluate`: the second of the three calls: how good a fitted estimator is, for whom, and why."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ml_pipe.runner.card import ASK
from ml_pipe.runner.choosing.choose import Chosen
from ml_pipe.runner.evaluated import Evaluation
from ml_pipe.runner.forecast.repeating import beside_repeating
from ml_pipe.runner.intervals.interval_evaluation import evaluate_interval
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.answers import Answers, Remembering, Rows, joined
from ml_pipe.runner.quality.copies import seen_before
from ml_pipe.runner.quality.cross_validation import (
    CrossValidation,
    cross_validate,
    folds_for,
    parts_of,
)
from ml_pipe.runner.quality.groups import bias_of, score_groups
from ml_pipe.runner.quality.guessing import Part, compare, guessed_scores
from ml_pipe.runner.quality.importance import importance_of
from ml_pipe.runner.quality.intervals import standard_error
from ml_pipe.runner.quality.metrics import ScoreOf, metric_first
from ml_pipe.runner.quality.split_checks import far_above_test
from ml_pipe.runner.quality.splits import blocks_of, column_to_split_by
from ml_pipe.runner.run.progress import doing
from ml_pipe.runner.run.run_folder import keep_summary
from ml_pipe.runner.summary import Comparison, Summary
from ml_pipe.runner.table.split_column import split_kind
from ml_pipe.runner.targets.joined_evaluation import evaluate_each
from model_store.manifest import Task, measured


def evaluate(  # noqa: PLR0913 - all but four are options
    run: RunData,
    estimator: Any,
    splits: Mapping[str, pd.DataFrame],
    score: ScoreOf,
    *,
    metric: str = "",
    group: str = "",
    warnings: Sequence[str] = (),
    split: str = "random",
    folds: int = 0,
    chosen: Chosen | None = None,
    seed: int = 7,
) -> Evaluation:
    """Return how good a fitted estimator is, what its answers depend on, and for whom it is worse.

    Each row is predicted once, whatever is asked of the answers. Of several targets, each is
    evaluated by itself, and the mean of their first scores decides.

    Args:
        run: what `load` returned.
        estimator: fitted on the rows of `splits["train"]`; it has `predict`.
        splits: the rows "train", "test" and "validation", each `(rows, columns)`, as
            `split_rows` of 02_train_test_validate returns them.
        score: your own measure, or that of 02_train_test_validate.
        metric: the name of a score that decides in place of the first of `score`; empty: none.
        group: the column whose groups are compared; empty: none.
        warnings: what the checks before found; sentences.
        split: how the rows were split, as the parameter says it.
        folds: in how many parts they are cross-validated besides; 0: in 5 where they are few.
        chosen: what `choose` returned. Where something of the model was chosen by the validation
            rows, the test rows alone decide whether it beats guessing.
        seed: which rows are shuffled for the importance.

    Raises:
        TableError: there is no such group or metric, or the group has too many values.
    """
    chosen = chosen or Chosen(estimator)

    def one(run: RunData, view: Any, rows: Mapping[str, pd.DataFrame]) -> Evaluation:
        return evaluate(
            run,
            view,
            rows,
            score,
            metric=metric,
            group=group,
            split=split,
            folds=folds,
            chosen=replace(chosen, estimator=view),
            seed=seed,
        )

    if len(run.targets) > 1:
        return evaluate_each(run, estimator, splits, one, warnings)
    if run.interval:
        return evaluate_interval(run, estimator, splits, run.interval, one, warnings=warnings)
    names, target, task = run.names, run.target, run.task
    score = metric_first(score, metric, task, splits["train"][target])
    known = {name: Rows(rows[names], rows[target]) for name, rows in splits.items()}
    asked = Remembering(estimator)
    began = time.perf_counter()
    doing(f"predicting {sum(map(len, splits.values())):,} rows")
    answers = {name: asked.ask(rows.inputs) for name, rows in known.items()}
    seconds_per_row = (time.perf_counter() - began) / max(sum(map(len, answers.values())), 1)
    others = [name for name in splits if name != "train"]
    unseen = pd.concat([splits[name] for name in others])
    together = joined([answers[name] for name in others])
    groups = None
    fairness = f"Not checked: the run named no group. {ASK}"
    if group:
        groups = score_groups(estimator, unseen, (group, target), task, score, answers=together)
        bias = f"{bias_of(groups):.3g}"
        fairness = f"The score differs by at most {bias} between the groups of {group}."
    doing("shuffling columns")
    importance = importance_of(
        estimator,
        unseen[names],
        unseen[target],
        seed,
        lambda model, rows, values: score(model, rows, values, task),
        seconds_per_row=seconds_per_row,
    )
    by_split = {
        name: dict(score(asked, rows.inputs, rows.truth, task)) for name, rows in known.items()
    }
    guessed = guessed_scores(known["train"], known["test"], task, score)
    doing("comparing with guessing")
    validated = _cross_validated(run, estimator, score, split=split, folds=folds, seed=seed)
    if validated and not chosen.on_validation:
        comparison = _by_cross_validation(run.table[target], validated, task, seed)
    else:
        comparison = _beside_guessing(
            run, splits, answers, split, chosen_on_validation=chosen.on_validation, seed=seed
        )
    errors = {
        name: standard_error(estimator, known[name], answers[name], task, score, seed=seed)
        for name in others
    }
    deciding = next(iter(by_split["test"]))
    decisive = {name: found[deciding] for name, found in by_split.items()}
    repeating, no_better = beside_repeating(estimator, known["test"], run.facts.lags, task, score)
    warnings = (
        *warnings,
        *filter(None, [no_better]),
        *comparison.remarks,
        *far_above_test(decisive, guessed.get(deciding), errors.get("test")),
    )
    summary = Summary(
        model=run.facts.model,
        task=task,
        target=target,
        source=run.facts.source,
        task_reason=run.facts.task_reason,
        rows={name: len(rows) for name, rows in splits.items()},
        dropped=run.facts.dropped,
        columns=tuple(names),
        left_out=run.facts.left_out,
        notes=(*run.facts.notes, *chosen.notes, *filter(None, [importance.remark, repeating])),
        metric=deciding,
        scores=by_split,
        errors=errors,
        guessed=guessed,
        split=split,
        cross_validation=_phrase(validated, deciding),
        comparison=comparison,
        importance=dict(importance.falls),
        candidates=chosen.candidates,
        threshold=chosen.threshold,
        warnings=warnings,
    )
    keep_summary(run.folder, summary)
    return Evaluation(
        by_split=by_split,
        guessed=guessed,
        unseen=unseen,
        answers=together.predicted,
        importance=importance.falls,
        groups=groups,
        fairness=fairness,
        comparison=comparison,
        summary=summary,
        errors=errors,
        warnings=warnings,
    )


def _beside_guessing(  # noqa: PLR0913 - what is compared, and which of it decides
    run: RunData,
    splits: Mapping[str, pd.DataFrame],
    answers: Mapping[str, Answers],
    split: str,
    *,
    chosen_on_validation: bool,
    seed: int,
) -> Comparison:
    """Return the comparison with guessing, on rows of which training has seen no copy."""
    deciding = [
        n for n in splits if n != "train" and not (chosen_on_validation and n == "validation")
    ]
    learnt = splits["train"]
    repeated = seen_before(learnt, [splits[name] for name in deciding])
    blocks = blocks_of(run, [splits[name] for name in deciding], split)
    parts = [
        Part(splits[name][run.target].to_numpy(), answers[name], own).take(~is_repeated)
        for name, own, is_repeated in zip(deciding, blocks, repeated, strict=True)
    ]
    where = f"the {' and '.join(deciding)} rows"
    left_out = int(sum(map(np.sum, repeated)))
    if left_out:
        where += f" without {left_out} that repeat others"
    return compare(learnt[run.target], parts, run.task, where, seed=seed)


def _cross_validated(  # noqa: PLR0913 - as it is asked for
    run: RunData, estimator: Any, score: ScoreOf, *, split: str, folds: int, seed: int
) -> CrossValidation | None:
    """Return the cross-validation of a run's rows, each of them once; None where there is none."""
    folds = folds_for(len(run.table), folds, split)
    if not folds:
        return None
    (is_repeated,) = seen_before(run.table.iloc[:0], [run.table])
    table = run.table[~is_repeated]
    kind, name = split_kind(split)
    by = (kind, column_to_split_by(run, name)[~is_repeated]) if name else None
    parts = parts_of(table[run.target], run.task, folds, seed, by)
    known = Rows(table[run.names], table[run.target])
    return cross_validate(estimator, known, parts, run.task, score)


def _by_cross_validation(
    learnt: "pd.Series[Any]", validated: CrossValidation, task: Task, seed: int
) -> Comparison:
    """Return the comparison with guessing on rows that were answered by copies of the model."""
    whole = Part(validated.truth, validated.answers)
    order = np.random.default_rng(seed).permutation(len(whole.truth))
    halves = [whole.take(half) for half in np.array_split(order, 2)]
    where = f"cross-validation in {len(validated.scores)} parts"
    return compare(learnt, halves, task, where, seed=seed)


def _phrase(validated: CrossValidation | None, metric: str) -> str:
    if validated is None:
        return ""
    value = measured(metric, validated.mean, validated.error)
    return f"By cross-validation in {len(validated.scores)} parts: {value}"
