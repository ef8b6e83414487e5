"""Compiling: an estimator as one ONNX graph, kept only where it is seen to answer the same.

For trainers alone: what converts is imported with scikit-learn, when something is published.
"""

import importlib
import warnings
from typing import Any

import msgspec
import numpy as np

from model_store import golden
from model_store.bundle import Compilation
from model_store.compile import comparison_rows
from model_store.compile.onnx_predictor import OnnxPredictor
from model_store.errors import ModelStoreError, PredictionError, RefusedError
from model_store.golden import Golden
from model_store.predictor import EstimatorPredictor, Predictor
from model_store.schema.columns import Columns
from model_store.schema.prediction import answers
from model_store.schema.row_decoder import RowDecoder
from model_store.schema.signature import Signature

_MOST_BYTES = 2**30


def compile_estimator(estimator: Any, signature: Signature, rows: Golden) -> Compilation:
    """Return an estimator's compiled form, or the reason why it has none.

    It is one that gave the golden answers, and the estimator's own to rows that were made up.
    Whatever goes wrong on the way is a reason.
    """
    try:
        conversion = importlib.import_module("model_store.compile.conversion")
    except ImportError as error:
        return Compilation(reason=f"The package {error.name} is not installed.")
    try:
        graph, compiled, steps = conversion.convert(estimator, signature)
    except conversion.NotCompilableError as error:
        return Compilation(reason=str(error))
    try:
        if len(graph) > _MOST_BYTES:
            return Compilation(reason="Its compiled form is larger than 1 GiB.")
        predictor = OnnxPredictor(graph, signature, compiled)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Of the vast numbers among the rows that are made up; nobody else sent them.
            warnings.simplefilter("ignore")
            check(estimator, predictor, signature, rows)
    except _DifferenceError as error:
        return Compilation(reason=_cause(estimator, graph, steps, signature, error))
    except ModelStoreError as error:
        return Compilation(reason=f"Its compiled form does not answer the same. {error}")
    return Compilation(graph, compiled)


def check(estimator: Any, compiled: Predictor, signature: Signature, rows: Golden) -> None:
    """See that both forms of a model answer the same.

    Raises:
        ModelStoreError: they do not; the sentence says where.
    """
    decoder = RowDecoder(signature)
    seen = decoder.columns([decoder.decode(msgspec.json.encode(rows.inputs))])
    made = comparison_rows.probe(seen, signature)
    origin = EstimatorPredictor(estimator, signature)
    if origin.classes != compiled.classes:
        raise RefusedError("It has other labels.")
    # First what is most like a request.
    for what, columns in (("golden rows", seen), ("rows of values that were seen", made.usual)):
        _check_rows(origin, compiled, columns, signature, what, may_be_refused=False)
    for columns in made.odd:
        _check_rows(origin, compiled, columns, signature, "rows with an odd value or a gap")
    for columns in made.vast:
        what = "rows with a vast number"
        _check_rows(origin, compiled, columns, signature, what, may_be_refused=True)


class _DifferenceError(RefusedError):
    """Both forms answered rows differently."""

    def __init__(self, what: str, columns: Columns) -> None:
        self.what = what
        self.columns = columns
        super().__init__(f"It differs on {what}.")


def _cause(
    estimator: Any, graph: bytes, steps: Any, signature: Signature, error: _DifferenceError
) -> str:
    """Return on which rows two forms differ, and by which step."""
    module = importlib.import_module("model_store.compile.differing_step")
    try:
        step = module.differing_step(graph, steps, signature, error.columns)
    except Exception:  # noqa: BLE001 - a step may raise anything
        step = ""
    inner = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    kind = type(inner).__name__
    step = step or f"{kind} answers otherwise to the same columns"
    return f"Its compiled form does not answer the same on {error.what}: {step}."


def _check_rows(  # noqa: PLR0913 - two forms, the rows, and how to judge
    origin: Predictor,
    compiled: Predictor,
    columns: Columns,
    signature: Signature,
    what: str,
    *,
    may_be_refused: bool = False,
) -> None:
    """See that both forms answer rows the same.

    What the estimator refuses, the compiled form must refuse too, unless it may answer better.
    """
    rows = len(next(iter(columns.values())))
    try:
        expected = _answers(origin, columns, signature)
    except PredictionError:
        if rows > 1:
            # Some of them are refused: these are found by halves.
            for half in (slice(rows // 2), slice(rows // 2, None)):
                part = {name: array[half] for name, array in columns.items()}
                _check_rows(origin, compiled, part, signature, what, may_be_refused=may_be_refused)
            return
        if not may_be_refused and _is_answered(compiled, columns):
            raise RefusedError(f"It answers {what} that the estimator refuses.") from None
        return
    given = _answers(compiled, columns, signature)
    if golden.difference(expected, given, signature) is not None:
        raise _DifferenceError(what, columns)


def _answers(predictor: Predictor, columns: Columns, signature: Signature) -> list[dict[str, Any]]:
    prediction = predictor.predict(columns, probabilities=bool(predictor.classes))
    return answers(prediction, signature, predictor.classes)


def _is_answered(predictor: Predictor, columns: Columns) -> bool:
    try:
        predictor.predict(columns)
    except PredictionError:
        return False
    return True
