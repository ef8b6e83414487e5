"""From a fitted estimator to an ONNX graph: its pipelines and selections of columns, step by step.

Each step is converted by itself; which columns it takes, and where its own go, is decided here, by
the places that scikit-learn resolved when it was fitted.
It imports all that training needs: see `model_store.compile.compiling`.
"""

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from model_store.compile.assembly import Assembly, Rows
from model_store.compile.differing_step import Step
from model_store.compile.feed import MOMENTS, NUMBERS, TEXTS
from model_store.compile.onnx_graph import ML_DOMAIN, NotCompilableError
from model_store.compile.onnx_predictor import LABELS, PROBABILITIES, VALUES
from model_store.compile.step_conversion import ENCODERS, convert_step
from model_store.compile.word_vectorizers import is_vectorizer, weights_of, with_tfidf
from model_store.manifest import Compiled
from model_store.schema.signature import Kind, Signature

_KINDS = {NUMBERS: "numbers", TEXTS: "text", MOMENTS: "dates"}
_ELEMENTS = {
    TensorProto.DOUBLE: NUMBERS,
    TensorProto.FLOAT: NUMBERS,
    TensorProto.INT64: NUMBERS,
    TensorProto.INT32: NUMBERS,
    TensorProto.BOOL: NUMBERS,
    TensorProto.STRING: TEXTS,
}
_SHOWN = 3


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
        raise NotCompilableError("It has probabilities but no labels.")
    walk = _Walk(compiled)
    rows = tuple(walk.graph.column(column) for column in signature.inputs)
    answers = walk.answers(estimator, rows, ())
    if compiled.labels:
        outputs = [(answers.first, LABELS, TensorProto.INT64, 1)]
        if compiled.probabilities:
            outputs.append((answers.probabilities, PROBABILITIES, TensorProto.DOUBLE, 2))
    else:
        outputs = [(answers.first, VALUES, TensorProto.DOUBLE, 2)]
    model = walk.graph.finished(outputs, signature.outputs[0].name)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString()), compiled, walk.steps


def _labels(estimator: Any, signature: Signature) -> np.ndarray:
    if not hasattr(estimator, "classes_"):
        return np.array([])
    if signature.outputs[0].kind is Kind.NUMBER:
        raise NotCompilableError("Its labels are numbers with fractions.")
    if len(signature.outputs) > 1:
        raise NotCompilableError("It answers several labels.")
    return np.asarray(estimator.classes_)


class _Walk:
    """The way through an estimator, from its columns to its answers."""

    def __init__(self, compiled: Compiled) -> None:
        self.graph = Assembly()
        self.steps: list[Step] = []
        """Those that were converted, in order."""
        self._compiled = compiled

    def answers(self, model: Any, rows: Rows, path: tuple[str, ...]) -> Answers:
        """Add a model, with all steps before it."""
        if hasattr(model, "best_estimator_"):
            # A finished search answers as the best that it found.
            return self.answers(model.best_estimator_, rows, path)
        if isinstance(model, FrozenEstimator):
            return self.answers(model.estimator, rows, path)
        if isinstance(model, FixedThresholdClassifier | TunedThresholdClassifierCV):
            return self._by_threshold(model, rows, path)
        if isinstance(model, Pipeline):
            *before, (name, last) = model.steps
            for each, step in before:
                rows = self.transformed(step, rows, (*path, each))
            return self.answers(last, rows, (*path, name))
        with _named(model, rows, path):
            return self._answered(model, rows)

    def transformed(self, step: Any, rows: Rows, path: tuple[str, ...]) -> Rows:  # noqa: PLR0911 - one for each kind of step
        """Add a step that makes columns of columns."""
        if _is_passed(step):
            return rows
        if isinstance(step, FrozenEstimator):
            return self.transformed(step.estimator, rows, path)
        if isinstance(step, Pipeline):
            return self._in_a_row(step, rows, path)
        if isinstance(step, ColumnTransformer):
            places = step._transformer_to_input_indices  # noqa: SLF001 - it resolved all selections
            parts = [
                (name, inner, tuple(rows[place] for place in places[name]))
                for name, inner, _ in step.transformers_
                if not (isinstance(inner, str) and inner == "drop") and len(places[name])
            ]
            return self._side_by_side(parts, step.transformer_weights, path)
        if isinstance(step, FeatureUnion):
            parts = [
                (name, inner, rows)
                for name, inner in step.transformer_list
                if not (isinstance(inner, str) and inner == "drop")
            ]
            return self._side_by_side(parts, step.transformer_weights, path)
        with _named(step, rows, path):
            if is_vectorizer(step):
                return self._weighed(step, rows)
            return self._converted(step, rows, _place(step, path))

    def _in_a_row(self, pipeline: Pipeline, rows: Rows, path: tuple[str, ...]) -> Rows:
        steps = [(name, step) for name, step in pipeline.steps if not _is_passed(step)]
        if [type(step) for _, step in steps[:2]] == [CountVectorizer, TfidfTransformer]:
            (name, counter), (_, weigher), *steps = steps
            with _named(counter, rows, (*path, name)):
                rows = self._weighed(counter, rows, weigher)
        for name, step in steps:
            rows = self.transformed(step, rows, (*path, name))
        return rows

    def _side_by_side(
        self,
        parts: Sequence[tuple[str, Any, Rows]],
        weights: dict[str, float] | None,
        path: tuple[str, ...],
    ) -> Rows:
        made: Rows = ()
        for name, step, rows in parts:
            given = self.transformed(step, rows, (*path, name))
            weight = (weights or {}).get(name)
            if weight is not None and given:
                with _named(step, rows, (*path, name)):
                    names = [cell.name for cell in given]
                    block = self.graph.block(_of_one_kind(given))
                    scaled = self.graph.node("Mul", block, self.graph.constant(float(weight)))
                    given = self.graph.rows(scaled, NUMBERS, names)
            made += given
        return made

    def _weighed(self, step: Any, rows: Rows, weigher: TfidfTransformer | None = None) -> Rows:
        """Add what makes weights of words, which is done before the graph."""
        (cell,) = rows if len(rows) == 1 else (None,)
        if cell is None or cell.column is None or cell.kind != TEXTS:
            raise NotCompilableError(
                "It reads texts that another step made, where a compiled model reads those of one "
                "column as they are sent."
            )
        weights = weights_of(step, cell.column.name)
        names = [f"{cell.name}_{word}" for word in weights.words]
        if weights.length:
            names.insert(0, f"{cell.name}_length")
        return self.graph.words(with_tfidf(weights, weigher) if weigher else weights, names)

    def _converted(self, step: Any, rows: Rows, where: str) -> Rows:
        if isinstance(step, FunctionTransformer):
            raise NotCompilableError(
                f"It calls the function {getattr(step.func, '__name__', step.func)}, which a graph "
                "cannot."
            )
        if isinstance(step, ENCODERS) and len({cell.kind for cell in rows}) > 1:
            inputs: list[Rows] = [(cell,) for cell in rows]
        else:
            inputs = [_of_one_kind(rows)]
        model = convert_step(step, [(each[0].kind, len(each)) for each in inputs])
        output = model.graph.output[0].type.tensor_type
        if output.elem_type not in _ELEMENTS:
            raise NotCompilableError("It gives neither numbers nor text.")
        kind = _ELEMENTS[output.elem_type]
        blocks = [self.graph.block(each) for each in inputs]
        (tensor,) = self.graph.embed(model, blocks)
        if kind == NUMBERS and output.elem_type != TensorProto.DOUBLE:
            tensor = self.graph.node("Cast", tensor, to=TensorProto.DOUBLE)
        names = _names_out(step, rows, output)
        taken = [(block, each[0].kind) for block, each in zip(blocks, inputs, strict=True)]
        self.steps.append(Step(where, step, taken, tensor, names))
        return self.graph.rows(tensor, kind, names)

    def _answered(self, model: Any, rows: Rows) -> Answers:
        """Add what answers at the end: its class indexes, or its values."""
        labels = self._compiled.labels
        indexed = _indexed(model, len(labels))
        asked = _of_one_kind(rows)
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
        with _named(model, rows, path):
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


def _is_passed(step: Any) -> bool:
    """Return whether a step gives its columns as they are."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return True
    return isinstance(step, FunctionTransformer) and step.func is None


def _of_one_kind(rows: Rows) -> Rows:
    """Return columns that stand in one tensor, which has one kind."""
    if not rows:
        raise NotCompilableError("It takes no column.")
    kinds = {cell.kind: cell.name for cell in rows}
    if len(kinds) > 1:
        shown = " and ".join(f'{_KINDS[kind]} ("{name}")' for kind, name in kinds.items())
        raise NotCompilableError(
            f"It takes {shown} together: give each kind a step of its own in a ColumnTransformer."
        )
    return rows


def _indexed(model: Any, labels: int) -> Any:
    """Return a classifier that answers class indexes, where it can be made to."""
    if not labels:
        return model
    indexed = copy.copy(model)
    with contextlib.suppress(AttributeError):
        # Where it cannot be set the graph has the labels themselves, and they are looked up.
        indexed.classes_ = np.arange(labels)
    return indexed


def _names_out(step: Any, rows: Rows, output: Any) -> list[str]:
    """Return a name for each column that a step gives."""
    try:
        names = [str(name) for name in step.get_feature_names_out()]
    except Exception:  # noqa: BLE001 - it may have none, or ask for other names
        names = []
    dimensions = output.shape.dim
    width = dimensions[1].dim_value if len(dimensions) > 1 else 0
    if names and width in {0, len(names)}:
        return names
    if not width:
        raise NotCompilableError("How many columns it gives is not known.")
    stem = rows[0].name if len(rows) == 1 else type(step).__name__
    return [f"{stem}_{place}" for place in range(width)]


@contextlib.contextmanager
def _named(step: Any, rows: Rows, path: tuple[str, ...]) -> Iterator[None]:
    """Name the step and its columns in the reason why it is not compiled."""
    try:
        yield
    except Exception as error:
        shown = ", ".join(f'"{cell.name}"' for cell in rows[:_SHOWN])
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        columns = f" of {shown}{more}" if path and rows else ""
        raise NotCompilableError(
            f"{_upper(_place(step, path))}{columns}: {_cause(error)}"
        ) from error


def _place(step: Any, path: tuple[str, ...]) -> str:
    """Return what a sentence calls a step."""
    kind = type(step).__name__
    return f'the step "{" > ".join(path)}" ({kind})' if path else kind


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


_LONGEST = 200


def _cause(error: Exception) -> str:
    """Return why a step has no compiled form, a sentence."""
    if isinstance(error, NotCompilableError):
        return str(error)
    lines = str(error).strip().splitlines()
    text = " ".join(lines[0].split())[:_LONGEST] if lines else "no reason is given"
    return f"It cannot be converted ({type(error).__name__}: {text})."
