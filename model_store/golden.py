"""Golden rows: inputs with the answers that training got for them, which every load must give."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from model_store.errors import RefusedError
from model_store.predictor import EstimatorPredictor, Predictor
from model_store.schema.arrays.array_cells import arrays_of
from model_store.schema.arrays.array_values import missing_rows
from model_store.schema.columns import Columns, to_rows
from model_store.schema.prediction import answers
from model_store.schema.row_decoder import MAX_STRING, InvalidRowsError, RowDecoder
from model_store.schema.signature import Kind, Signature

if TYPE_CHECKING:
    import pandas as pd

RELATIVE_TOLERANCE = 1e-5
"""How far a number may be off; a compiled model computes in single precision."""
# Of the greatest number of its column, for numbers that should be zero and nearly are.
_SCALE_TOLERANCE = 1e-7
_CANDIDATES = 10_000
_ASKED = 1_000
_FEW_VALUES = {Kind.BOOLEAN, Kind.CATEGORY}


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `golden.json`: row objects as in a request, and answers as in its answer."""

    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]


def golden_rows(
    estimator: Any, signature: Signature, frame: "pd.DataFrame", *, count: int = 20, seed: int = 0
) -> Golden:
    """Return rows of a table with an estimator's answers, as `golden_answers` does."""
    predictor = EstimatorPredictor(estimator, signature)
    return golden_answers(predictor, signature, frame, count=count, seed=seed)


def golden_answers(
    predictor: Predictor,
    signature: Signature,
    frame: "pd.DataFrame",
    *,
    count: int = 20,
    seed: int = 0,
) -> Golden:
    """Return rows of a table with a model's answers, probabilities included where it has any.

    The rows are picked so that every predicted class, every category and boolean, and every
    column's missing value occurs, as far as `count` rows can, and 10,000 rows of the table have it,
    of predicted classes 1,000.

    Raises:
        SignatureError: the table does not fit the signature.
        PredictionError: the model gives no proper answer.
        RefusedError: no row of the table could be a request.
    """
    from model_store.schema.conform import conform  # noqa: PLC0415 - pandas is for trainers alone

    random = np.random.default_rng(seed)
    sample = conform(frame.iloc[random.permutation(len(frame))[:_CANDIDATES]], signature.inputs)
    sample = sample[_fits_a_request(sample, signature)]
    columns = arrays_of(sample, signature.inputs)
    if sample.empty:
        raise RefusedError(
            "No row of the table can be a request, so that there are no golden rows."
        )
    chosen = _picked(_traits(columns, signature, predictor), len(sample), count)
    picked = {name: array[chosen] for name, array in columns.items()}
    inputs = to_rows(picked, signature.inputs)
    return Golden(inputs, _answered(inputs, signature, RowDecoder(signature), predictor))


def check(golden: Golden, signature: Signature, decoder: RowDecoder, predictor: Predictor) -> None:
    """See that a model gives the golden answers, on the road that a request takes.

    Raises:
        RefusedError: a row is no request, or its answer is another.
        PredictionError: the model gives no proper answer.
    """
    given = _answered(golden.inputs, signature, decoder, predictor)
    if len(given) != len(golden.outputs):
        raise RefusedError("golden.json has not one answer for each row: publish again.")
    number = difference(golden.outputs, given, signature)
    if number is not None:
        raise RefusedError(
            f"The model answers golden row {number} differently than it did in training: train "
            "again in this environment, or restore the environment of the training."
        )


def difference(
    expected: Sequence[dict[str, Any]], given: Sequence[dict[str, Any]], signature: Signature
) -> int | None:
    """Return the number of the first row that has another answer, of as many; None if none has."""
    scales = {
        column.name: max(_size(row.get(column.name)) for row in expected)
        for column in signature.outputs
    }
    pairs = enumerate(zip(expected, given, strict=True))
    return next((n for n, (one, other) in pairs if not _is_same(one, other, scales)), None)


def _answered(
    inputs: list[dict[str, Any]], signature: Signature, decoder: RowDecoder, predictor: Predictor
) -> list[dict[str, Any]]:
    try:
        rows = decoder.decode(msgspec.json.encode(inputs))
    except InvalidRowsError as error:
        raise RefusedError("golden.json has rows that no request could have.") from error
    classes = predictor.classes
    prediction = predictor.predict(decoder.columns([rows]), probabilities=bool(classes))
    return answers(prediction, signature, classes)


def _fits_a_request(sample: "pd.DataFrame", signature: Signature) -> np.ndarray:
    fits = np.full(len(sample), fill_value=True)
    for column in signature.inputs:
        if column.kind in {Kind.STRING, Kind.CATEGORY}:
            fits &= [len(text or "") <= MAX_STRING for text in sample[column.name]]
    return fits


def _traits(columns: Columns, signature: Signature, predictor: Predictor) -> np.ndarray:
    """Return what a row can show, `(traits, rows)`, bool."""
    traits: list[np.ndarray] = []
    for column in signature.inputs:
        array = columns[column.name]
        if column.kind is Kind.ARRAY:
            traits.append(missing_rows(array))
            continue
        # Of numbers and dates, what is missing is the one value that does not equal itself.
        missing = array == (None if array.dtype == object else array)
        missing = missing if array.dtype == object else ~missing
        if column.kind in _FEW_VALUES:
            traits += [array == value for value in set(array[~missing].tolist())]
        traits.append(missing)
    if predictor.classes:
        (labels,), _ = predictor.predict({name: array[:_ASKED] for name, array in columns.items()})
        rest = (0, len(traits[0]) - len(labels))
        traits += [np.pad(labels == label, rest) for label in predictor.classes]
    return np.array(traits)


def _picked(traits: np.ndarray, rows: int, count: int) -> list[int]:
    """Return the rows to take: those that show most of what is unseen yet, then the first ones."""
    chosen: list[int] = []
    unseen = traits.any(axis=1)
    while unseen.any() and len(chosen) < count:
        best = int(np.argmax(traits[unseen].sum(axis=0)))
        chosen.append(best)
        unseen &= ~traits[:, best]
    others = (row for row in range(rows) if row not in chosen)
    return chosen + [row for row, _ in zip(others, range(count - len(chosen)), strict=False)]


def _size(value: Any) -> float:
    return abs(value) if isinstance(value, float) else 0.0


def _is_same(expected: Any, given: Any, scales: Mapping[str, float], scale: float = 1.0) -> bool:
    if isinstance(expected, dict) and isinstance(given, dict):
        return expected.keys() == given.keys() and all(
            _is_same(expected[name], given[name], {}, scales.get(name, 1.0)) for name in given
        )
    if isinstance(given, float) and type(expected) in {int, float}:
        return math.isclose(
            expected, given, rel_tol=RELATIVE_TOLERANCE, abs_tol=scale * _SCALE_TOLERANCE
        )
    return type(expected) is type(given) and bool(expected == given)
