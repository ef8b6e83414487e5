"""`docs/explanation/imports.md`: what comes of models of other tools when they are imported.

`python -m docs.make.imports` writes it; a test imports them all, and compares.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from docs.make.import_worlds import World, worlds
from docs.make.reference_pages.markdown import table
from ml_pipe.runner.reading.options import ReadingOptions
from mlops.exchange.answering import Answering
from mlops.exchange.booster_model import read_boosters
from mlops.exchange.estimator_model import read_estimator
from mlops.exchange.examples import examples_of
from mlops.exchange.files.recognition import Form, recognised
from mlops.exchange.graphs.model import read_graph
from mlops.exchange.wants import Source
from model_store.compile.compiling import compile_estimator
from model_store.errors import RefusedError
from model_store.golden import golden_answers
from model_store.store import LoadPolicy

PAGE = Path(__file__).resolve().parents[1] / "explanation" / "imports.md"
_MOST = 1e-5
"""How far an answer may be from what it was there, and be the same."""
_INTRODUCTION = """# Imports

<!-- Made by `python -m docs.make.imports`: it saves, imports and asks each of them. Edit that, and not this page. -->

What comes of models that other tools saved, when they are [imported](../how-to/import-and-export-models.md) with a table of 80 examples. "The same"
means: probabilities or amounts are those that the model gave where it was made, within 0.00001. "Stored" is the source of truth in the bundle; a graph
is stored as it came. "Compiled" says whether the [compiled form](compiled-models.md), which needs no seal, answers the same."""


def rows() -> Iterator[list[str]]:
    """Yield what came of each model: a line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        for world in worlds(Path(folder)):
            yield _row(world)


def page(lines: list[list[str]]) -> str:
    """Return the page."""
    heads = ["model", "file", "needs", "answers", "stored", "compiled", "probabilities"]
    return f"{_INTRODUCTION}\n\n{table(heads, lines)}\n"


def _row(world: World) -> list[str]:
    source = _source(world)
    known = examples_of(world.examples, "kind", source.wants, ReadingOptions())
    made = source.made(known)
    golden = golden_answers(made.predictor, known.signature, known.inputs)
    compilation = made.compilation or compile_estimator(made.estimator, known.signature, golden)
    model: Any = Answering(made.predictor, known.signature)
    has_shares = bool(made.predictor.classes)
    answered = model.predict_proba(known.inputs) if has_shares else model.predict(known.inputs)
    expected = world.answers
    if world.labels:
        # There the labels were places, here they are in the order of the alphabet.
        expected = expected[:, np.argsort(world.labels)]
    farthest = float(np.abs(answered - expected).max())
    return [
        world.model,
        world.file,
        world.needs,
        "the same" if farthest < _MOST else f"up to {farthest:.2g} away",
        "graph" if made.format == "onnx" else made.format,
        compilation.reason or "yes",
        "yes" if has_shares else "no",
    ]


def _source(world: World) -> Source:
    form, path, types = recognised(world.path)
    if form is Form.ONNX:
        return read_graph(path, dict(types), labels=[], output="", scores="")
    if form in {Form.SKOPS, Form.PICKLE}:
        approved = world.needs == "`--approve`"
        return read_estimator(path, form, LoadPolicy(), dict(types), approved=approved)
    if form in {Form.XGBOOST, Form.LIGHTGBM, Form.CATBOOST}:
        return read_boosters(path, form, dict(types), world.labels)
    raise RefusedError(f"{world.file} is nothing that can be imported.")


if __name__ == "__main__":
    PAGE.write_text(page(list(rows())), "utf-8")
