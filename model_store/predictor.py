"""Answers from columns: what the service asks of a model, whatever made it."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from model_store.errors import PredictionError
from model_store.schema.columns import Columns, dtype_of, to_frame
from model_store.schema.prediction import Label, Prediction
from model_store.schema.signature import LARGEST_INTEGER, Column, Kind, Signature

# These predict exactly the class of the greatest probability, the first of several. Others may
# not (boosted trees and linear models decide before rounding to probabilities, support vector
# machines by other numbers altogether), and are asked twice.
_PREDICTS_BY_PROBABILITY = frozenset(
    {
        "sklearn.ensemble._forest.ExtraTreesClassifier",
        "sklearn.ensemble._forest.RandomForestClassifier",
    }
)
_HAS_LABELS = frozenset({Kind.INTEGER, Kind.BOOLEAN, Kind.STRING, Kind.CATEGORY})
# The dtype letters and the Python types that an estimator may answer each kind with.
_ANSWERS: dict[Kind, tuple[str, set[type]]] = {
    Kind.INTEGER: ("iu", {int}),
    Kind.NUMBER: ("fiu", {float, int}),
    Kind.BOOLEAN: ("b", {bool}),
    Kind.STRING: ("UT", {str, np.str_}),
    Kind.CATEGORY: ("UT", {str, np.str_}),
}


class Predictor(Protocol):
    """A model, ready to answer."""

    @property
    def classes(self) -> tuple[Label, ...]:
        """The labels that have probabilities; empty where there are none to be had."""
        ...

    def predict(self, columns: Columns, *, probabilities: bool = False) -> Prediction:
        """Answer all rows at once.

        Raises:
            PredictionError: the model raised, or gave no proper answer. The sentence holds no
                value of the rows.
        """
        ...


class EstimatorPredictor:
    """A fitted scikit-learn estimator as a `Predictor`."""

    def __init__(self, estimator: Any, signature: Signature) -> None:
        """Wrap an estimator.

        Raises:
            PredictionError: the estimator's classes are not of the output's kind.
        """
        self._estimator = estimator
        self._signature = signature
        self._labels: np.ndarray | None = None
        output = signature.outputs[0]
        has_labels = len(signature.outputs) == 1 and output.kind in _HAS_LABELS
        # A mixture has probabilities, of components without labels.
        if has_labels and hasattr(estimator, "predict_proba") and hasattr(estimator, "classes_"):
            self._labels = _checked(_asked(lambda: estimator.classes_), output)
        self._predicts_by_probability = _last_step(estimator) in _PREDICTS_BY_PROBABILITY

    @property
    def classes(self) -> tuple[Label, ...]:
        """The labels that have probabilities; empty for regression and for several outputs."""
        return () if self._labels is None else tuple(self._labels.tolist())

    def predict(self, columns: Columns, *, probabilities: bool = False) -> Prediction:
        """Answer all rows with one call of the estimator, or with two where one could differ.

        Raises:
            PredictionError: see `Predictor`; or the model has no probabilities to give.
        """
        frame = to_frame(columns, self._signature.inputs)
        if not probabilities:
            return Prediction(self._values(frame), None)
        if self._labels is None:
            raise PredictionError("This model has no probabilities: ask without them.")
        shares = self._probabilities(frame, len(self._labels))
        if self._predicts_by_probability:
            return Prediction((self._labels[np.argmax(shares, axis=1)],), shares)
        return Prediction(self._values(frame), shares)

    def _values(self, frame: Any) -> tuple[np.ndarray, ...]:
        outputs = self._signature.outputs
        values = _asked(lambda: self._estimator.predict(frame))
        if len(outputs) == 1 and values.ndim == 1:
            values = values.reshape(-1, 1)
        _check_shape(values, (len(frame), len(outputs)), "values")
        each = enumerate(outputs)
        return tuple(_checked(values[:, i], c, several=len(outputs) > 1) for i, c in each)

    def _probabilities(self, frame: Any, classes: int) -> np.ndarray:
        shares = _asked(lambda: self._estimator.predict_proba(frame))
        _check_shape(shares, (len(frame), classes), "probabilities")
        if shares.dtype.kind != "f" or not np.isfinite(shares).all():
            raise PredictionError("The model answered with probabilities that are not numbers.")
        return shares


def _last_step(estimator: Any) -> str:
    """Return the full type name of what answers at the end of a pipeline."""
    kind = type(estimator)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name == "sklearn.pipeline.Pipeline":
        return _last_step(estimator.steps[-1][1])
    return name


def _asked(question: Callable[[], Any]) -> np.ndarray:
    try:
        return np.asarray(question())
    except Exception as error:  # noqa: BLE001 - an estimator may raise anything
        # Its message may hold a submitted value: only type and place are shown, none is chained.
        where = _place(error.__traceback__)
        raise PredictionError(
            f"The model raised {type(error).__name__} in {where}: see that its steps take every "
            "row that the signature allows."
        ) from None


def _place(trace: TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{trace.tb_frame.f_globals.get('__name__')}, line {trace.tb_lineno}"


def _check_shape(array: np.ndarray, shape: tuple[int, int], what: str) -> None:
    if array.shape != shape:
        raise PredictionError(
            f"The model answered with {what} of shape {array.shape} where {shape} is right: one "
            "a row, and one an output or a class."
        )


def _checked(values: np.ndarray, column: Column, *, several: bool = False) -> np.ndarray:
    """Return an estimator's answers in the array of the column's kind, or refuse them.

    Those of several outputs come in one array: whole numbers may be floats there.
    """
    if column.kind not in _ANSWERS:
        raise PredictionError(
            f'The output "{column.name}" is a {column.kind}, which none predicts.'
        )
    letters, types = _ANSWERS[column.kind]
    is_right = values.dtype.kind in letters
    if values.dtype.kind == "O":
        is_right = {type(value) for value in values.tolist()} <= types
    is_whole = several and column.kind is Kind.INTEGER and values.dtype.kind == "f"
    if not is_right and not is_whole:
        raise PredictionError(
            f'The model answered "{column.name}" with {values.dtype} values where the signature '
            f"says {column.kind}: train it on a target of that kind, or infer the signature again."
        )
    checked = values.astype(dtype_of(column))
    if is_whole and not (np.isfinite(values) & (values == checked)).all():
        raise PredictionError(f'The model answered "{column.name}" with fractions or infinities.')
    if column.kind is Kind.NUMBER and not np.isfinite(checked).all():
        raise PredictionError(f'The model answered "{column.name}" with a NaN or an infinity.')
    if column.kind is Kind.INTEGER and (np.abs(checked) > LARGEST_INTEGER).any():
        raise PredictionError(f'The model answered "{column.name}" with an integer beyond 2**53.')
    return checked
