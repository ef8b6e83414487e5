"""The decision layer: an answer only where the model is sure enough, and the likeliest labels."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from model_store.schema.prediction import PROBABILITIES, Label, Prediction, answers, label_text
from model_store.schema.signature import Signature

TOP = "top"
"""The key of an answer's likeliest labels, so that no output of such a model has this name."""


class Decision(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How a version's probabilities become answers; without any of it, the label is the answer."""

    least_confidence: float = 0.0
    """Below this greatest probability the answer is null, with all probabilities; 0: never."""
    top: int = 0
    """How many of the likeliest labels an answer names, with their probabilities; 0: none."""
    calibrated: str = ""
    """How the estimator's probabilities were calibrated, a word; they come calibrated from it."""

    @property
    def needs_probabilities(self) -> bool:
        """Whether each prediction needs probabilities, asked for or not."""
        return self.least_confidence > 0 or self.top > 0

    def unsure(self, probabilities: np.ndarray) -> np.ndarray:
        """Return for which rows of `(rows, labels)` there is no answer: `(rows,)`, bool."""
        return np.asarray(probabilities.max(axis=1) < self.least_confidence)


def decided(
    prediction: Prediction,
    signature: Signature,
    classes: Sequence[Label],
    decision: Decision,
    *,
    probabilities: bool,
) -> list[dict[str, Any]]:
    """Return a prediction with probabilities as JSON-ready rows.

    `{"variety": "Setosa", "top": [{"label": "Setosa", "probability": 0.9}, ...]}`; a row that is
    not answered is `{"variety": null, "probabilities": {...}}`.

    Args:
        prediction: with probabilities, `(rows, labels)`.
        signature: with one output.
        classes: the labels of the probabilities.
        decision: what is made of them.
        probabilities: whether they were asked for, and so stand in each row.
    """
    rows = answers(prediction._replace(probabilities=None), signature, classes)
    if prediction.probabilities is None:
        return rows
    (output,) = signature.outputs
    names = [label_text(label) for label in classes]
    unsure = decision.unsure(prediction.probabilities)
    order = np.argsort(-prediction.probabilities, axis=1, kind="stable")[:, : decision.top]
    shares = prediction.probabilities.tolist()
    for row, share, places, is_unsure in zip(rows, shares, order.tolist(), unsure, strict=True):
        if is_unsure:
            row[output.name] = None
        if decision.top:
            row[TOP] = [{"label": classes[p], "probability": share[p]} for p in places]
        if probabilities or is_unsure:
            row[PROBABILITIES] = dict(zip(names, share, strict=True))
    return rows
