"""`docs/explanation/estimators.md`: what comes of each estimator of scikit-learn when it is published.

`python -m docs.make.estimators` writes it; a test tries them all, and compares.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import all_estimators
from threadpoolctl import threadpool_limits

from docs.make import estimator_worlds as worlds
from docs.make.estimator_worlds import World, world_of
from docs.make.reference_pages.markdown import table
from model_store import formats, golden
from model_store.compile.compiling import compile_estimator
from model_store.errors import ModelStoreError
from model_store.predictor import EstimatorPredictor
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.schema.row_decoder import RowDecoder
from model_store.store import LoadPolicy

PAGE = Path(__file__).resolve().parents[1] / "explanation" / "estimators.md"
_NOTHING = "Nothing to serve"
_INTRODUCTION = """# Estimators

<!-- Made by `python -m docs.make.estimators`: it fits, stores and compiles each of them. Edit that, and not this page. -->

What comes of each estimator of scikit-learn, with its default settings, on a small table of numbers. "Publishes" means: it is stored by skops, loaded
again with the types that a [publisher's seal](../how-to/publishers-keys.md) stands for, and gives the golden answers. No setting is needed for that.
"Compiled" says whether its [compiled form](compiled-models.md) answers the same, and if not, why. What is not compiled is served by
scikit-learn. "Probabilities" says whether `?probabilities=true` is answered."""
_PARTS = {
    worlds.CLASSIFIERS: "",
    worlds.REGRESSORS: "",
    worlds.SEVERAL: "Each answers two outputs.",
    worlds.ALONE: "The answer is the number of a cluster; 1 and -1 are usual rows and outliers.",
    worlds.STEPS: "Each stands before a linear model, in a pipeline.",
    _NOTHING: "",
}


class Row(NamedTuple):
    """What came of one estimator."""

    kind: str
    name: str
    refusal: str
    """Why it does not publish; empty: it does."""
    not_compiled: str = ""
    probabilities: bool = False

    @property
    def is_served(self) -> bool:
        """Whether it can answer a row, alone or as a step before another."""
        return self.kind != _NOTHING


def rows() -> Iterator[Row]:
    """Try every estimator of scikit-learn."""
    for name, kind in all_estimators():
        # Threads that wait for each other cost more than they bring on a few rows.
        with warnings.catch_warnings(), np.errstate(all="ignore"), threadpool_limits(1):
            warnings.simplefilter("ignore")
            yield row_of(name, kind)


def row_of(name: str, kind: type) -> Row:
    """Try one estimator."""
    world = world_of(name, kind)
    return Row(_NOTHING, name, world) if isinstance(world, str) else _tried(name, world)


def _tried(name: str, world: World) -> Row:
    model, truth = world.model, world.truth
    if name == "FrozenEstimator":
        model.estimator.fit(world.table, truth)
    fitted = model.fit(world.table, truth) if truth is not None else model.fit(world.table)
    if truth is None:
        truth = pd.Series(fitted.predict(world.table), name="answer")
    signature = infer_signature(world.table, pd.DataFrame(truth))
    given = conform(world.table, signature.inputs)
    try:
        rows = golden.golden_rows(fitted, signature, given)
        loaded = _loaded(fitted)
        predictor = EstimatorPredictor(loaded, signature)
        golden.check(rows, signature, RowDecoder(signature), predictor)
    except ModelStoreError as error:
        return Row(world.kind, name, str(error))
    compilation = compile_estimator(fitted, signature, rows)
    return Row(world.kind, name, "", compilation.reason, bool(predictor.classes))


def _loaded(fitted: Any) -> Any:
    stored = formats.dump(fitted, "skops")
    formats.check_allowed(stored, "skops", LoadPolicy())
    return formats.load(stored, "skops", LoadPolicy())


def page(found: list[Row]) -> str:
    """Return the page."""
    served = [row for row in found if row.is_served]
    published = [row for row in served if not row.refusal]
    compiled = [row for row in published if not row.not_compiled]
    counts = (
        f"Of {len(served)} estimators that a table's rows can pass, {len(published)} publish and "
        f"{len(compiled)} are compiled."
    )
    parts = [_INTRODUCTION, counts]
    for kind, text in _PARTS.items():
        own = [row for row in found if row.kind == kind]
        parts += [f"## {kind}", *([text] if text else []), _table(kind, own)]
    return "\n\n".join(parts) + "\n"


def _table(kind: str, own: list[Row]) -> str:
    if kind == _NOTHING:
        return table(("estimator", "why"), [(f"`{row.name}`", row.refusal) for row in own])
    cells = [
        (
            f"`{row.name}`",
            row.refusal or "yes",
            "no" if row.refusal else row.not_compiled or "yes",
            "yes" if row.probabilities else "no",
        )
        for row in own
    ]
    return table(("estimator", "publishes", "compiled", "probabilities"), cells)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(list(rows())), "utf-8")


if __name__ == "__main__":
    main()
