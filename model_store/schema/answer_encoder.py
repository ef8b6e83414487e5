"""From a prediction to JSON text: an encoder, compiled from a model's outputs.

The twin of `model_store.schema.row_decoder`. A row is answered by an object of its outputs,
`{"variety": "Setosa"}`, and, where they were asked for, of the probabilities of all labels,
`{"variety": "Setosa", "probabilities": {"Setosa": 1.0, "Virginica": 0.0}}`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from model_store.schema.deciding.decision import Decision, decided
from model_store.schema.prediction import Label, Prediction, answers
from model_store.schema.row_decoder import Rows
from model_store.schema.signature import Kind, Signature

# Two labels of these kinds are equal only if their JSON texts are; 1, 1.0 and true are equal.
_TEXT_KINDS = frozenset({Kind.STRING, Kind.CATEGORY})

_NO_DECISION = Decision()
_encode = msgspec.json.Encoder().encode


class AnswerEncoder:
    """Encodes the predictions of one model."""

    def __init__(
        self,
        signature: Signature,
        classes: Sequence[Label] = (),
        decision: Decision = _NO_DECISION,
    ) -> None:
        self._signature = signature
        self._classes = classes
        self._decision = decision if decision.needs_probabilities else None
        self._texts: dict[Label, bytes] = {}
        output, *others = signature.outputs
        if not others and output.kind in _TEXT_KINDS:
            # There are few labels, so that each answer is encoded once and for all.
            self._texts = {label: _encode({output.name: label}) for label in classes}

    def encode(
        self, prediction: Prediction, requests: Iterable[Rows], *, probabilities: bool = True
    ) -> Iterator[bytes]:
        """Yield the answer to each request; together they had the prediction's rows, in order.

        Args:
            prediction: the rows of all requests.
            requests: in their order.
            probabilities: whether those of the prediction were asked for, or needed to decide.
        """
        texts = iter(self._row_texts(prediction, probabilities=probabilities))
        for rows in requests:
            if rows.single:
                yield next(texts)
            else:
                yield b"[" + b",".join(islice(texts, rows.size)) + b"]"

    def _row_texts(self, prediction: Prediction, *, probabilities: bool) -> Iterable[bytes]:
        if self._decision:
            rows = decided(
                prediction,
                self._signature,
                self._classes,
                self._decision,
                probabilities=probabilities,
            )
            return map(_encode, rows)
        if self._texts and prediction.probabilities is None:
            return map(self._texts.__getitem__, prediction.values[0].tolist())
        return map(_encode, answers(prediction, self._signature, self._classes))
