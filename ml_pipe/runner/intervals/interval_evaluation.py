"""How well an interval holds: its coverage and its score, beside those of a guessed interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ml_pipe.runner.evaluated import Evaluation
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.run.run_folder import keep_summary
from ml_pipe.runner.targets.one_output import OneOutput
from model_store.schema.signature import Interval

_ERRORS = 3.0
"""So many standard errors below what it should be, a coverage is warned of."""


def interval_scores(truth: np.ndarray, bounds: np.ndarray, coverage: float) -> dict[str, float]:
    """Return coverage, interval score (Winkler's, an error) and mean width.

    Args:
        truth: `(rows,)`.
        bounds: `(rows, 2)`: lower and upper.
        coverage: the share of true values that should lie within.
    """
    lower, upper = bounds.T
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return {
        "coverage": float(np.mean(outside == 0)),
        "interval_score": float(np.mean(upper - lower + 2 / (1 - coverage) * outside)),
        "interval_width": float(np.mean(upper - lower)),
    }


def evaluate_interval(  # noqa: PLR0913 - as it is asked for
    run: RunData,
    estimator: Any,
    splits: Mapping[str, pd.DataFrame],
    interval: Interval,
    one: Callable[[RunData, Any, Mapping[str, pd.DataFrame]], Evaluation],
    *,
    warnings: Sequence[str] = (),
) -> Evaluation:
    """Return the evaluation of an estimator that answers an amount and its interval.

    Args:
        run: what `load` returned.
        estimator: fitted; it answers three columns.
        splits: "train", "test" and "validation", each `(rows, columns)`.
        interval: what it should hold.
        one: evaluates the amount: of a run, an estimator and splits that know it alone.
        warnings: what the checks before found; sentences.
    """
    truth = run.table[run.targets]
    found = one(run.of_one(interval.of), OneOutput(estimator, 0, truth), splits)
    answers = {
        name: np.asarray(estimator.predict(rows[run.names])) for name, rows in splits.items()
    }
    true = {name: rows[interval.of].to_numpy(dtype=float) for name, rows in splits.items()}
    coverage = interval.coverage
    by_split = {
        name: {**scores, **interval_scores(true[name], answers[name][:, 1:], coverage)}
        for name, scores in found.by_split.items()
    }
    outside = (1 - coverage) / 2
    ends = np.quantile(true["train"], [outside, 1 - outside])
    guess = interval_scores(true["test"], np.tile(ends, (len(true["test"]), 1)), coverage)
    others = [name for name in splits if name != "train"]
    unseen = np.concatenate([answers[name] for name in others])
    measured = interval_scores(
        np.concatenate([true[name] for name in others]), unseen[:, 1:], coverage
    )["coverage"]
    phrase = (
        f"{_percent(coverage)} of the true values should lie within; on {len(unseen)} unseen rows "
        f"{_percent(measured)} do. Its mean width is {by_split['test']['interval_width']:.3g} on "
        f"test, that of a guessed interval {guess['interval_width']:.3g}"
    )
    warnings = (*warnings, *found.warnings, *_too_few_within(measured, coverage, len(unseen)))
    summary = msgspec.structs.replace(
        found.summary,
        scores={name: dict(scores) for name, scores in by_split.items()},
        guessed={**found.guessed, **guess},
        interval=phrase,
        warnings=warnings,
    )
    keep_summary(run.folder, summary)
    return replace(
        found,
        by_split=by_split,
        guessed={**found.guessed, **guess},
        answers=unseen,
        summary=summary,
        warnings=warnings,
    )


def _too_few_within(measured: float, coverage: float, rows: int) -> list[str]:
    """Return a warning where fewer true values lie within than chance explains."""
    error = np.sqrt(coverage * (1 - coverage) / rows)
    if measured >= coverage - _ERRORS * error:
        return []
    warning = (
        f"Only {_percent(measured)} of the true values of {rows} unseen rows lie within the "
        f"interval, and {_percent(coverage)} should: the rows differ from those that it was fitted "
        "to, as in a split by time. Fit it to newer rows, or ask for a larger interval=."
    )
    return [warning]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
