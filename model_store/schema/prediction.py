"""A prediction: the arrays that a model answers, and the JSON-ready rows that they become."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from model_store.schema.columns import json_values
from model_store.schema.signature import Signature

PROBABILITIES = "probabilities"
"""The key of an answer's probabilities, so that no output may have this name."""

Label = str | int | bool


class Prediction(NamedTuple):
    """What a model answers for some rows."""

    values: tuple[np.ndarray, ...]
    """One array an output, in the signature's order, each of shape `(rows,)`."""
    probabilities: np.ndarray | None
    """Of shape `(rows, classes)`, in the order of the predictor's `classes`; None if not asked."""


def answers(
    prediction: Prediction, signature: Signature, classes: Sequence[Label] = ()
) -> list[dict[str, Any]]:
    """Return a prediction as JSON-ready rows: `{"variety": "Setosa"}`.

    With probabilities, the predictor's `classes` name them:
    `{"variety": "Setosa", "probabilities": {"Setosa": 1.0, "Virginica": 0.0}}`.
    """
    names = [column.name for column in signature.outputs]
    cells = map(json_values, prediction.values, signature.outputs)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
    if prediction.probabilities is not None:
        labels = [label_text(label) for label in classes]
        for row, shares in zip(rows, prediction.probabilities.tolist(), strict=True):
            row[PROBABILITIES] = dict(zip(labels, shares, strict=True))
    return rows


def label_text(label: Label) -> str:
    """Return a label as the text that stands for it as a JSON key."""
    return str(label).lower() if isinstance(label, bool) else str(label)
