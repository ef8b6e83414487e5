"""The steps of an estimator that make columns of columns, in a graph.

Each step is converted by itself; which columns it takes, and where its own go, is decided here, by
the places that scikit-learn resolved when it was fitted.
"""

from collections.abc import Sequence
from itertools import islice
from math import prod
from typing import Any

from onnx import TensorProto
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from model_store.compile.assembly import Assembly, Rows
from model_store.compile.differing_step import Step
from model_store.compile.feed import ARRAYS, MOMENTS, NUMBERS, TEXTS
from model_store.compile.onnx_graph import NotCompilableError
from model_store.compile.step_conversion import ENCODERS, convert_step
from model_store.compile.step_reason import named, place_of
from model_store.compile.word_vectorizers import is_vectorizer, weights_of, with_tfidf

_KINDS = {NUMBERS: "numbers", TEXTS: "text", MOMENTS: "dates", ARRAYS: "arrays"}
_FLATTENS = "ml_pipe.model_class.ArrayParts"
"""The one step that takes arrays: by its name, as this package must not import it."""
_ELEMENTS = {
    TensorProto.DOUBLE: NUMBERS,
    TensorProto.FLOAT: NUMBERS,
    TensorProto.INT64: NUMBERS,
    TensorProto.INT32: NUMBERS,
    TensorProto.BOOL: NUMBERS,
    TensorProto.STRING: TEXTS,
}


class Transformers:
    """Those that were added to a graph so far."""

    def __init__(self, graph: Assembly) -> None:
        self.graph = graph
        self.steps: list[Step] = []
        """Those that were converted, in order."""

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
        with named(step, rows, path):
            if f"{type(step).__module__}.{type(step).__qualname__}" == _FLATTENS:
                return self._flattened(step, rows)
            if is_vectorizer(step):
                return self._weighed(step, rows)
            return self._converted(step, rows, place_of(step, path))

    def _in_a_row(self, pipeline: Pipeline, rows: Rows, path: tuple[str, ...]) -> Rows:
        steps = [(name, step) for name, step in pipeline.steps if not _is_passed(step)]
        if [type(step) for _, step in steps[:2]] == [CountVectorizer, TfidfTransformer]:
            (name, counter), (_, weigher), *steps = steps
            with named(counter, rows, (*path, name)):
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
                with named(step, rows, (*path, name)):
                    names = [cell.name for cell in given]
                    block = self.graph.block(of_one_kind(given))
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

    def _flattened(self, step: Any, rows: Rows) -> Rows:
        """Add what makes numbers of arrays."""
        names = iter(step.get_feature_names_out())
        made: Rows = ()
        for cell in rows:
            if cell.column is None or cell.kind != ARRAYS:
                raise NotCompilableError("It takes arrays from a column that has none.")
            made += self.graph.array(cell.column, list(islice(names, prod(cell.column.shape))))
        return made

    def _converted(self, step: Any, rows: Rows, where: str) -> Rows:
        if isinstance(step, FunctionTransformer):
            raise NotCompilableError(
                f"It calls the function {getattr(step.func, '__name__', step.func)}, which a graph "
                "cannot."
            )
        if isinstance(step, ENCODERS) and len({cell.kind for cell in rows}) > 1:
            inputs: list[Rows] = [(cell,) for cell in rows]
        else:
            inputs = [of_one_kind(rows)]
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


def of_one_kind(rows: Rows) -> Rows:
    """Return columns that stand in one tensor, which has one kind."""
    if not rows:
        raise NotCompilableError("It takes no column.")
    kinds = {cell.kind: cell.name for cell in rows}
    if set(kinds) == {ARRAYS}:
        raise NotCompilableError(
            f'It takes the arrays of "{kinds[ARRAYS]}" as they are: put ArrayParts of '
            "01_model_class before it, which makes numbers of them."
        )
    if len(kinds) > 1:
        shown = " and ".join(f'{_KINDS[kind]} ("{name}")' for kind, name in kinds.items())
        raise NotCompilableError(
            f"It takes {shown} together: give each kind a step of its own in a ColumnTransformer."
        )
    return rows


def _is_passed(step: Any) -> bool:
    """Return whether a step gives its columns as they are."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return True
    return isinstance(step, FunctionTransformer) and step.func is None


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
