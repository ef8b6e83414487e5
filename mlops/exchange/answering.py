"""A predictor as scores and comparisons ask a model: with `predict`, and `predict_proba`."""

from typing import Any

import numpy as np
import pandas as pd

from model_store.predictor import Predictor
from model_store.schema.arrays.array_cells import arrays_of
from model_store.schema.prediction import Prediction
from model_store.schema.signature import Signature

_AT_ONCE = 1_000


class Answering:
    """Stands for a fitted estimator, and answers by a predictor, with all of its checks.

    It has `predict_proba` and `classes_` where the model has probabilities: in the order of the
    alphabet, as scores take them to be, whatever the model's own is.
    """

    def __init__(self, predictor: Predictor, signature: Signature) -> None:
        self._predictor = predictor
        self._inputs = signature.inputs
        if predictor.classes:
            labels = _array(predictor.classes)
            self._order = np.argsort(labels)
            self.classes_ = labels[self._order]
            self.predict_proba = self._shares

    def predict(self, X: pd.DataFrame) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return the answers to rows, `(rows,)`."""
        return np.concatenate([values[0] for values, _ in self._asked(X, probabilities=False)])

    def _shares(self, X: pd.DataFrame) -> np.ndarray:  # noqa: N803 - as sklearn asks
        """Return the probabilities of rows, `(rows, labels)`."""
        parts = [part.probabilities for part in self._asked(X, probabilities=True)]
        return np.concatenate([part for part in parts if part is not None])[:, self._order]

    def _asked(self, rows: pd.DataFrame, *, probabilities: bool) -> list[Prediction]:
        columns = arrays_of(rows, self._inputs)
        return [
            self._predictor.predict(
                {name: array[first : first + _AT_ONCE] for name, array in columns.items()},
                probabilities=probabilities,
            )
            for first in range(0, len(rows), _AT_ONCE)
        ]


def _array(labels: Any) -> np.ndarray:
    array = np.array(list(labels))
    return array.astype(object) if array.dtype.kind == "U" else array
