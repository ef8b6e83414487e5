"""The evaluation of a model of several targets: each by itself, then all of them together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ml_pipe.runner.evaluated import Evaluation
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.run.progress import doing
from ml_pipe.runner.run.run_folder import keep_summary
from ml_pipe.runner.summary import Comparison, Summary
from ml_pipe.runner.targets.one_output import OneOutput, joined_scores

EvaluateOne = Callable[[RunData, Any, Mapping[str, pd.DataFrame]], Evaluation]
"""Evaluates one target: of a run, an estimator and splits that know this target alone."""


def evaluate_each(
    run: RunData,
    estimator: Any,
    splits: Mapping[str, pd.DataFrame],
    one: EvaluateOne,
    warnings: Sequence[str] = (),
) -> Evaluation:
    """Return the evaluation of an estimator of several targets.

    Args:
        run: what `load` returned.
        estimator: fitted; it answers one column a target.
        splits: "train", "test" and "validation", each `(rows, columns)`.
        one: see `EvaluateOne`.
        warnings: what the checks before found; sentences.
    """
    found: dict[str, Evaluation] = {}
    truth = run.table[run.targets]
    for place, target in enumerate(run.targets):
        doing(f"target {place + 1} of {len(run.targets)}: {target}")
        others = [name for name in run.targets if name != target]
        rows = {name: split.drop(columns=others) for name, split in splits.items()}
        found[target] = one(run.of_one(target), OneOutput(estimator, place, truth), rows)
    unseen = pd.concat([splits[name] for name in splits if name != "train"])
    joined = _joined(run, found, unseen, warnings)
    keep_summary(run.folder, joined.summary)
    return joined


def _joined(
    run: RunData, found: Mapping[str, Evaluation], unseen: pd.DataFrame, warnings: Sequence[str]
) -> Evaluation:
    first = next(iter(found.values()))
    by_split = {
        name: joined_scores({target: dict(each.by_split[name]) for target, each in found.items()})
        for name in first.by_split
    }
    each_guessed = {target: dict(each.guessed) for target, each in found.items()}
    guessed = joined_scores(each_guessed) if all(each_guessed.values()) else {}
    errors = {name: _error([e.errors[name] for e in found.values()]) for name in first.errors}
    importance = _mean_falls([each.importance for each in found.values()])
    own = [f"{target}: {text}" for target, each in found.items() for text in each.warnings]
    comparison = _comparison(found)
    groups = None
    if first.groups is not None:
        scores = [each.groups["score"] for each in found.values() if each.groups is not None]
        groups = first.groups.assign(score=np.mean(scores, axis=0))
    joined = replace(
        first,
        by_split=by_split,
        guessed=guessed,
        unseen=unseen,
        answers=np.column_stack([each.answers for each in found.values()]),
        importance=importance,
        groups=groups,
        comparison=comparison,
        errors=errors,
        warnings=(*warnings, *own),
    )
    if groups is not None:
        joined = replace(
            joined,
            fairness=f"The mean score of the targets differs by at most {joined.bias:.3g} between "
            "the groups.",
        )
    return replace(joined, summary=_summary(run, joined, found))


def _summary(run: RunData, joined: Evaluation, found: Mapping[str, Evaluation]) -> Summary:
    summaries = {target: each.summary for target, each in found.items()}
    first = next(iter(summaries.values()))
    phrases = [
        f"{target}: {summary.cross_validation}"
        for target, summary in summaries.items()
        if summary.cross_validation
    ]
    notes = [note for summary in summaries.values() for note in summary.notes]
    return msgspec.structs.replace(
        first,
        target=run.facts.target,
        task_reason=run.facts.task_reason,
        notes=tuple(dict.fromkeys(notes)),
        metric=joined.deciding,
        scores={name: dict(scores) for name, scores in joined.by_split.items()},
        errors=dict(joined.errors),
        guessed=dict(joined.guessed),
        cross_validation=". ".join(phrases),
        comparison=joined.comparison,
        importance=dict(joined.importance),
        warnings=joined.warnings,
    )


def _comparison(found: Mapping[str, Evaluation]) -> Comparison:
    parts = {target: each.comparison for target, each in found.items()}
    first = next(iter(parts.values()))
    looks = [
        msgspec.structs.replace(look, target=target)
        for target, part in parts.items()
        for look in part.looks
    ]
    remarks = [f"{target}: {text}" for target, part in parts.items() for text in part.remarks]
    return Comparison(
        rows=min(part.rows for part in parts.values()),
        where=first.where,
        looks=tuple(looks),
        remarks=tuple(remarks),
    )


def _error(errors: Sequence[float | None]) -> float | None:
    """Return the standard error of a mean, as if those of the targets were independent."""
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return None
    return float(np.sqrt(np.sum(np.square(known)))) / len(known)


def _mean_falls(falls: Sequence[Mapping[str, float]]) -> dict[str, float]:
    means = {name: float(np.mean([each[name] for each in falls])) for name in falls[0]}
    return dict(sorted(means.items(), key=lambda item: -item[1]))
