"""From a prediction to JSON text: an encoder, compiled from a model's outputs.

The twin of `model_store.row_decoder`. A row is answered by an object of its outputs,
`{"variety": "Setosa"}`, and, where they were asked for, of the probabilities of all labels,
`{"variety": "Setosa", "probabilities": {"Setosa": 1.0, "Virginica": 0.0}}`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from model_store.columns import json_values
from model_store.predictor import PROBABILITIES, Label, Prediction, label_text
from model_store.row_decoder import Rows
from model_store.signature import Kind, Signature

# Two labels of these kinds are equal only if their JSON texts are; 1, 1.0 and true are equal.
_TEXT_KINDS = frozenset({Kind.STRING, Kind.CATEGORY})

_encode = msgspec.json.Encoder().encode


class AnswerEncoder:
    """Encodes the predictions of one model."""

    def __init__(self, signature: Signature, classes: Sequence[Label] = ()) -> None:
        self._outputs = signature.outputs
        self._names = [column.name for column in signature.outputs]
        self._labels = [label_text(label) for label in classes]
        self._texts: dict[Label, bytes] = {}
        if len(self._outputs) == 1 and self._outputs[0].kind in _TEXT_KINDS:
            # There are few labels, so that each answer is encoded once and for all.
            self._texts = {label: _encode({self._names[0]: label}) for label in classes}

    def encode(self, prediction: Prediction, requests: Iterable[Rows]) -> Iterator[bytes]:
        """Yield the answer to each request; together they had the prediction's rows, in order."""
        texts = iter(self._row_texts(prediction))
        for rows in requests:
            if rows.single:
                yield next(texts)
            else:
                yield b"[" + b",".join(islice(texts, len(rows.items))) + b"]"

    def _row_texts(self, prediction: Prediction) -> Iterable[bytes]:
        values, probabilities = prediction
        if self._texts and probabilities is None:
            return map(self._texts.__getitem__, values[0].tolist())
        return map(_encode, self._rows(values, probabilities))

    def _rows(
        self, values: tuple[np.ndarray, ...], probabilities: np.ndarray | None
    ) -> Iterator[dict[str, Any]]:
        cells = map(json_values, values, self._outputs)
        for number, row in enumerate(zip(*cells, strict=True)):
            answer = dict(zip(self._names, row, strict=True))
            if probabilities is not None:
                shares = probabilities[number].tolist()
                answer[PROBABILITIES] = dict(zip(self._labels, shares, strict=True))
            yield answer
