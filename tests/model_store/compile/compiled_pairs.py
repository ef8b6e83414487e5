"""Both forms of a model, fitted to a table that has a column of every kind; and rows to ask."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from model_store.bundle import Compilation
from model_store.compile.compiling import compile_estimator
from model_store.compile.onnx_predictor import OnnxPredictor
from model_store.golden import golden_rows
from model_store.predictor import EstimatorPredictor
from model_store.schema.columns import Columns
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.schema.signature import Signature

ROWS = 200
NUMBERS = ["a", "b", "count"]


class Pair(NamedTuple):
    """A model's two forms."""

    origin: EstimatorPredictor
    compiled: OnnxPredictor
    signature: Signature


def numbers(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Return random numbers of several sizes, and integers beyond what single precision counts."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a": random.normal(size=rows),
            "b": random.normal(1000.0, 0.001, size=rows),
            "count": random.integers(2**30, 2**30 + 50, size=rows),
        }
    )


def mixed(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Return numbers with gaps, booleans, categories, and texts that are not ASCII or empty."""
    random = np.random.default_rng(seed)
    texts = np.array(["Zürich", "東京", "", "None", "nan", None, "seltener"], dtype=object)
    table = numbers(rows, seed)
    table["gaps"] = np.where(random.random(rows) < 0.3, np.nan, random.normal(size=rows))
    table["flag"] = random.random(rows) < 0.5
    table["maybe"] = pd.Series(random.random(rows) < 0.5).astype("boolean")
    table.loc[random.random(rows) < 0.2, "maybe"] = pd.NA
    shares = [0.3, 0.25, 0.15, 0.1, 0.09, 0.1, 0.01]
    table["city"] = texts[random.choice(len(texts), size=rows, p=shares)]
    table["city"] = table["city"].astype("category")
    table["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        random.integers(-20_000, 20_000, rows), unit="h"
    )
    return table


def target(table: pd.DataFrame, labels: Any = ("no", "so so", "yes")) -> "pd.Series[Any]":
    """Return labels that depend on the numbers, one of some for each third."""
    score = table["a"] + (table["count"] - 2**30) / 50
    thirds = pd.qcut(score, len(labels), labels=False)
    return pd.Series(np.array(labels)[thirds], name="y")


def compile_fitted(
    estimator: Any, table: pd.DataFrame, truth: "pd.Series[Any] | pd.DataFrame"
) -> tuple[Compilation, Signature, Any]:
    """Return what came of compiling an estimator that is fitted to a table."""
    signature = infer_signature(table, pd.DataFrame(truth))
    fitted = estimator.fit(conform(table, signature.inputs), truth)
    golden = golden_rows(fitted, signature, table)
    return compile_estimator(fitted, signature, golden), signature, fitted


def pair(estimator: Any, table: pd.DataFrame, truth: "pd.Series[Any] | pd.DataFrame") -> Pair:
    """Return both forms of an estimator that compiles."""
    compilation, signature, fitted = compile_fitted(estimator, table, truth)
    assert compilation.reason == ""
    assert compilation.compiled
    compiled = OnnxPredictor(compilation.graph, signature, compilation.compiled)
    return Pair(EstimatorPredictor(fitted, signature), compiled, signature)


def random_columns(found: Pair, table: pd.DataFrame) -> Columns:
    """Return another table as a request would give it."""
    frame = conform(table, found.signature.inputs)
    return {column.name: frame[column.name].to_numpy() for column in found.signature.inputs}


def largest_difference(found: Pair, columns: Columns) -> float:
    """Return the largest relative difference of a number; labels must be the same."""
    wanted = bool(found.origin.classes)
    assert found.compiled.classes == found.origin.classes
    expected = found.origin.predict(columns, probabilities=wanted)
    given = found.compiled.predict(columns, probabilities=wanted)
    differences = [0.0]
    for one, other in zip(expected.values, given.values, strict=True):
        assert one.dtype == other.dtype
        if one.dtype == np.float64:
            differences.append(float((np.abs(one - other) / np.maximum(np.abs(one), 1e-9)).max()))
        else:
            assert one.tolist() == other.tolist()
    if expected.probabilities is not None and given.probabilities is not None:
        differences.append(float(np.abs(expected.probabilities - given.probabilities).max()))
    return max(differences)
