"""A table of every kind of column, as people bring them, the template's own model of it, and rows.

The model is what `mlops train` makes of such a table. `plain` gets the same fitted estimator.
"""

from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import pandas as pd

from benchmarks.bench_models import OUTPUT, SEED, BenchModel, Rows, publish
from ml_pipe.model_class import build_estimator
from model_store.schema.columns import to_rows
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature

MIXED = "mixed"
BODIES_OF_MANY = 20
"""How many different requests of many rows are sent, in turn: each is a third of a megabyte."""
_ROWS = 3000
_GAPS = 0.1
_TOWNS = ("Köln", "São Paulo", "London", "Łódź", "Paris")


def mixed_table(rows: int, seed: int = SEED) -> pd.DataFrame:
    """Return 19 columns: 3 integers, 8 numbers, 5 categories, 1 boolean, 2 datetimes."""
    random = np.random.default_rng(seed)

    def with_gaps(values: Any) -> "pd.Series[Any]":
        return pd.Series(values).mask(random.random(rows) < _GAPS)

    def category(*names: str) -> "pd.Series[Any]":
        return pd.Series(random.choice(np.array(names, dtype=object), rows)).astype("category")

    day = np.datetime64("2024-01-01", "us")
    columns: dict[str, Any] = {
        "rooms": random.integers(1, 9, rows),
        "floor": with_gaps(random.integers(0, 30, rows)).astype("Int64"),
        "visits": random.integers(0, 10_000, rows),
    }
    columns |= {f"measured_{n}": random.normal(100, 30, rows).round(2) for n in range(6)}
    columns |= {
        "share": with_gaps(random.random(rows)),
        "price": random.lognormal(3, 1, rows).round(2),
        "town": category(*_TOWNS),
        "size_class": category("small", "medium", "large"),
        "letter": category(*"abcdefghij"),
        "colour": category("red", "green", "blue"),
        "garden": with_gaps(category("north", "south")),
        "is_new": random.integers(0, 2, rows).astype(bool),
        "built": day + random.integers(0, 700, rows).astype("timedelta64[D]"),
        "seen": with_gaps(day + random.integers(0, 10**7, rows).astype("timedelta64[s]")),
    }
    return pd.DataFrame(columns)


def make_mixed_model(folder: Path) -> BenchModel:
    """Train on a mixed table and write the model's forms into a folder."""
    folder.mkdir(parents=True)
    inputs = mixed_table(_ROWS)
    signal = inputs["measured_0"] + 20 * (inputs["town"] == "Köln") + 5 * inputs["rooms"]
    answers = np.where(signal > signal.median(), "dear", "cheap").astype(object)
    outputs = pd.DataFrame({OUTPUT: answers})
    signature = infer_signature(inputs, outputs)
    table = conform(inputs, signature.inputs)
    estimator = build_estimator("classification", signature.inputs, SEED).fit(table, answers)
    joblib.dump(estimator, folder / "model.joblib")

    def tabulate(rows: Rows) -> pd.DataFrame:
        return conform(_read(rows), signature.inputs)

    return BenchModel(
        name=MIXED,
        estimator=estimator,
        joblib=folder / "model.joblib",
        onnx=None,
        models=folder / "models",
        version=publish(MIXED, folder / "models", (inputs, outputs), estimator),
        plain="plain_mixed",
        tabulate=tabulate,
    )


def make_mixed_bodies(rows: int) -> list[Rows]:
    """Return the rows of different requests, drawn as the training table was."""
    count = 100 if rows == 1 else BODIES_OF_MANY
    inputs = mixed_table(rows * count, SEED + 1)
    columns = infer_signature(inputs, pd.DataFrame({OUTPUT: inputs["rooms"]})).inputs
    table = conform(inputs, columns)
    drawn = to_rows({column.name: table[column.name].to_numpy() for column in columns}, columns)
    return [drawn[start : start + rows] for start in range(0, len(drawn), rows)]


def _read(rows: Rows) -> pd.DataFrame:
    """Return rows as the table that they were: their JSON text knows no dates."""
    table = pd.DataFrame(msgspec.json.decode(msgspec.json.encode(rows)))
    for name in ("built", "seen"):
        table[name] = pd.to_datetime(table[name])
    return table
