"""From a fitted estimator to an ONNX graph: from its columns, through its steps, to its answers.

It imports all that training needs: see `model_store.compile.compiling`.
"""

import contextlib
import copy
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline

from model_store.compile.assembly import Assembly, Rows
from model_store.compile.differing_step import Step
from model_store.compile.onnx_graph import ML_DOMAIN, NotCompilableError
from model_store.compile.onnx_predictor import LABELS, PROBABILITIES, VALUES
from model_store.compile.step_conversion import convert_step
from model_store.compile.step_reason import named
from model_store.compile.transformers import Transformers, of_one_kind
from model_store.manifest import Compiled
from model_store.schema.signature import Kind, Signature

_LEAST_SHARE = 1e-300
INTERVAL = "ml_pipe.runner.intervals.conformal.ConformalInterval"
"""The class, which this package must not import, of an amount with bounds."""


class Answers(NamedTuple):
    """The tensors that a model ends with."""

    first: str
    """Class indexes, `(rows,)`, or values, `(rows, outputs)`."""
    probabilities: str = ""


def convert(estimator: Any, signature: Signature) -> tuple[bytes, Compiled, list[Step]]:
    """Return an estimator as a graph, unchecked, what its numbers mean, and its steps.

    Raises:
        NotCompilableError: it has no compiled form; the sentence names the step and the cause.
    """
    labels = _labels(estimator, signature)
    compiled = Compiled(
        labels=tuple(labels.tolist()),
        probabilities=len(labels) > 0 and hasattr(estimator, "predict_proba"),
    )
    if not labels.size and hasattr(estimator, "predict_proba"):
        raise NotCompilableError("It has probabilities, but its answers are no labels.")
    models = _Models(compiled)
    rows = tuple(models.graph.column(column) for column in signature.inputs)
    answers = models.answers(estimator, rows, ())
    if compiled.labels:
        outputs = [(answers.first, LABELS, TensorProto.INT64, 1)]
        if compiled.probabilities:
            outputs.append((answers.probabilities, PROBABILITIES, TensorProto.DOUBLE, 2))
    else:
        outputs = [(answers.first, VALUES, TensorProto.DOUBLE, 2)]
    model = models.graph.finished(outputs, signature.outputs[0].name)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString()), compiled, models.before.steps


def _labels(estimator: Any, signature: Signature) -> np.ndarray:
    # A regression of CatBoost has classes, too: none.
    if not len(getattr(estimator, "classes_", ())):
        return np.array([])
    if signature.outputs[0].kind is Kind.NUMBER:
        raise NotCompilableError("Its labels are numbers with fractions.")
    if len(signature.outputs) > 1:
        raise NotCompilableError("It answers several labels.")
    return np.asarray(estimator.classes_)


class _Models:
    """The models that answer, with all steps before them."""

    def __init__(self, compiled: Compiled) -> None:
        self.graph = Assembly()
        self.before = Transformers(self.graph)
        self._compiled = compiled

    def answers(self, model: Any, rows: Rows, path: tuple[str, ...]) -> Answers:  # noqa: PLR0911 - one for each kind of model
        """Add a model, with all steps before it."""
        if hasattr(model, "best_estimator_"):
            # A finished search answers as the best that it found.
            return self.answers(model.best_estimator_, rows, path)
        if isinstance(model, FrozenEstimator):
            return self.answers(model.estimator, rows, path)
        if isinstance(model, FixedThresholdClassifier | TunedThresholdClassifierCV):
            return self._by_threshold(model, rows, path)
        if isinstance(model, CalibratedClassifierCV) and _is_by_temperature(model):
            return self._calibrated(model, rows, path)
        if isinstance(model, CalibratedClassifierCV) and _is_of_frozen(model):
            with named(model, rows, path):
                raise NotCompilableError(
                    f"It is calibrated by {model.method}: of what was fitted before, only a "
                    "calibration by temperature is compiled."
                )
        if _name(model) == INTERVAL:
            return self._with_bounds(model, rows, path)
        if isinstance(model, Pipeline):
            *before, (name, last) = model.steps
            for each, step in before:
                rows = self.before.transformed(step, rows, (*path, each))
            return self.answers(last, rows, (*path, name))
        with named(model, rows, path):
            return self._answered(model, rows)

    def _with_bounds(self, model: Any, rows: Rows, path: tuple[str, ...]) -> Answers:
        """Add an amount with its lower and its upper bound, which it is never outside of."""
        amount, lower, upper = (
            self.answers(getattr(model, name), rows, (*path, name)).first
            for name in ("estimator_", "lower_", "upper_")
        )
        graph = self.graph
        margin = graph.constant(np.float64(model.margin_))
        lower = graph.node("Min", graph.node("Sub", lower, margin), amount)
        upper = graph.node("Max", graph.node("Add", upper, margin), amount)
        return Answers(graph.node("Concat", amount, lower, upper, axis=1))

    def _answered(self, model: Any, rows: Rows) -> Answers:
        """Add what answers at the end: its class indexes, or its values."""
        labels = self._compiled.labels
        indexed = _indexed(model, len(labels))
        asked = of_one_kind(rows)
        graph = convert_step(
            indexed, [(asked[0].kind, len(asked))], probabilities=hasattr(model, "predict_proba")
        )
        found = self.graph.embed(graph, [self.graph.block(asked)])
        if not labels:
            return Answers(found[0])
        answered = np.asarray(indexed.classes_)
        first = found[0]
        if not np.array_equal(answered, np.arange(len(labels))):
            first = self._looked_up(first, answered)
        return Answers(first, found[1] if hasattr(model, "predict_proba") else "")

    def _by_threshold(self, model: Any, rows: Rows, path: tuple[str, ...]) -> Answers:
        """Add a classifier of two classes that decides by a threshold of its own."""
        inner = model.estimator_
        answers = self.answers(inner, rows, (*path, "estimator"))
        with named(model, rows, path):
            if not answers.probabilities or model.response_method == "decision_function":
                raise NotCompilableError("Its threshold is not one of probabilities.")
            chosen = getattr(model, "best_threshold_", None)
            if chosen is None:
                chosen = 0.5 if model.threshold == "auto" else model.threshold
            wanted = getattr(model, "pos_label", None)
            if isinstance(model, TunedThresholdClassifierCV):
                wanted = model._curve_scorer._get_pos_label()  # noqa: SLF001 - nothing public has it
            positive = 1 if wanted is None else int(np.flatnonzero(inner.classes_ == wanted)[0])
            graph = self.graph
            share = graph.node(
                "Gather", answers.probabilities, graph.constant(np.int64(positive)), axis=1
            )
            reached = graph.node("GreaterOrEqual", share, graph.constant(np.float64(chosen)))
            yes, no = (graph.constant(np.int64(place)) for place in (positive, 1 - positive))
            return Answers(graph.node("Where", reached, yes, no), answers.probabilities)

    def _calibrated(
        self, model: CalibratedClassifierCV, rows: Rows, path: tuple[str, ...]
    ) -> Answers:
        """Add a classifier whose probabilities are calibrated by a temperature.

        Its logits are the logarithms of its probabilities, but for a number that all labels share.
        """
        (calibrated,) = model.calibrated_classifiers_
        answers = self.answers(calibrated.estimator, rows, (*path, "estimator"))
        with named(model, rows, path):
            graph = self.graph
            # As scikit-learn has it: what it takes for probabilities, it keeps from the logarithm
            # of 0 in this way. Logits it takes as they are.
            is_logit = hasattr(calibrated.estimator, "decision_function")
            shares = answers.probabilities
            least = graph.constant(np.float64(_LEAST_SHARE if is_logit else 1e-12))
            kept = graph.node("Max" if is_logit else "Add", shares, least)
            logits = graph.node("Log", kept)
            beta = float(calibrated.calibrators[0].beta_)
            if is_logit and len(model.classes_) == 2:  # noqa: PLR2004 - labels
                # One number says both logits, itself and its opposite: twice the distance.
                beta *= 2
            scaled = graph.node("Mul", logits, graph.constant(np.float64(beta)))
            calibrated_shares = graph.node("Softmax", scaled, axis=1)
            first = graph.node("ArgMax", calibrated_shares, axis=1, keepdims=0)
            return Answers(first, calibrated_shares)

    def _looked_up(self, labels: str, answered: np.ndarray) -> str:
        keys = (
            {"keys_strings": answered.tolist()}
            if answered.dtype.kind in "OSU"
            else {"keys_int64s": answered.astype(int).tolist()}
        )
        return self.graph.node(
            "LabelEncoder",
            labels,
            domain=ML_DOMAIN,
            values_int64s=list(range(len(answered))),
            default_int64=-1,
            **keys,
        )


def _is_by_temperature(model: CalibratedClassifierCV) -> bool:
    return model.method == "temperature" and len(model.calibrated_classifiers_) == 1


def _is_of_frozen(model: CalibratedClassifierCV) -> bool:
    inner = (each.estimator for each in model.calibrated_classifiers_)
    return any(isinstance(each, FrozenEstimator) for each in inner)


def _name(model: Any) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"


def _indexed(model: Any, labels: int) -> Any:
    """Return a classifier that answers class indexes, where it can be made to."""
    if not labels:
        return model
    indexed = copy.copy(model)
    with contextlib.suppress(AttributeError):
        # Where it cannot be set the graph has the labels themselves, and they are looked up.
        indexed.classes_ = np.arange(labels)
    return indexed
