"""`decide`: what the service makes of a model's probabilities, and what that costs and gains."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.answers import answers_of
from model_store.schema.deciding.decision import TOP, Decision

FEWEST_ANSWERED = 0.05
"""A model that answers a smaller share of unseen rows answers nearly nothing."""


@dataclass(frozen=True)
class Decided:
    """What is made of probabilities."""

    decision: Decision = field(default_factory=Decision)
    unsure: np.ndarray | None = None
    """`(rows,)`, bool: which of the unseen rows get no answer; None: each gets one."""
    phrase: str = ""
    """What it costs and gains, a sentence; empty: each row gets the model's own answer."""


def decide(  # noqa: PLR0913 - what is decided, by which rows
    run: RunData,
    estimator: Any,
    splits: Mapping[str, pd.DataFrame],
    *,
    least_confidence: float = 0.0,
    top: int = 0,
    calibrate: str = "",
    threshold: str = "",
) -> Decided:
    """Return what the service makes of a model's probabilities.

    Args:
        run: what `load` returned.
        estimator: fitted on the rows of `splits["train"]`.
        splits: "train", "test" and "validation", each `(rows, columns)`.
        least_confidence: below this greatest probability a row is not answered; 0: never.
        top: how many of the likeliest labels an answer names; 0: none.
        calibrate: how the estimator was calibrated, a word.
        threshold: that of the estimator, if it has one.

    Raises:
        TableError: there are no probabilities to decide by, or hardly a row would be answered.
    """
    if not least_confidence and not top:
        return Decided(Decision(calibrated=calibrate))
    if not 0 <= least_confidence < 1:
        raise TableError(
            f"least_confidence={least_confidence:g} is none: write a probability below 1, as 0.6."
        )
    if run.task != "classification" or not hasattr(estimator, "predict_proba"):
        raise TableError(
            "least_confidence and top are for a classifier with probabilities: this model has none."
        )
    if len(run.targets) > 1:
        raise TableError("least_confidence and top are for one target: train a model for each.")
    if top < 0 or top > len(estimator.classes_):
        raise TableError(f"top={top} is none: the model has {len(estimator.classes_)} labels.")
    if top and run.target == TOP:
        raise TableError(f'top= adds "{TOP}" to each answer, as the target is named: rename it.')
    if least_confidence and threshold:
        raise TableError(
            "threshold and least_confidence exclude each other: the one answers a label although "
            "the other is likelier, the other answers only what is likely."
        )
    decision = Decision(least_confidence=least_confidence, top=top, calibrated=calibrate)
    if not least_confidence:
        named = "likeliest label" if top == 1 else f"{top} likeliest labels"
        return Decided(decision, phrase=f"Each answer names the {named}.")
    others = {name: rows for name, rows in splits.items() if name != "train"}
    unseen = pd.concat(list(others.values()))
    # The calibration has seen the validation rows: they would look better than new ones.
    counts = [
        np.full(len(r), not (calibrate and name == "validation")) for name, r in others.items()
    ]
    is_counted = np.concatenate(counts)
    answers = answers_of(estimator, unseen[run.names])
    unsure = decision.unsure(np.asarray(answers.probabilities))
    right = (answers.predicted == unseen[run.target].to_numpy())[is_counted]
    no_answer = unsure[is_counted]
    if (~no_answer).mean() < FEWEST_ANSWERED:
        raise TableError(
            f"least_confidence={least_confidence:g} would answer {(~no_answer).mean():.1%} of the "
            f"unseen rows, and at least {FEWEST_ANSWERED:.0%} are needed: lower it, or improve the "
            "model."
        )
    phrase = (
        f"Below a probability of {least_confidence:g} there is no answer: for "
        f"{no_answer.mean():.1%} of {len(right):,} unseen rows. Of the answers to the others "
        f"{right[~no_answer].mean():.1%} are right; of all, {right.mean():.1%} would be."
    )
    return Decided(decision, unsure, phrase)
