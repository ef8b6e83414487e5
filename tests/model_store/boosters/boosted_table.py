"""A table with gaps, categories and labels of several kinds, and models of boosted trees on it."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.schema.signature import Signature

ROWS = 200
SMALL: dict[str, dict[str, Any]] = {
    "lightgbm": {
        "n_estimators": 8,
        "min_child_samples": 5,
        "min_data_per_group": 5,
        "cat_smooth": 1.0,
        "n_jobs": 1,
        "verbose": -1,
    },
    "xgboost": {"n_estimators": 8, "max_depth": 4, "max_cat_to_onehot": 1, "n_jobs": 1},
    "catboost": {
        "iterations": 8,
        "depth": 4,
        "thread_count": 1,
        "verbose": 0,
        "allow_writing_files": False,
    },
}
"""Settings that are fitted in a moment, and that split by categories although rows are few."""


def inputs() -> pd.DataFrame:
    """Return a number with gaps, one without, a whole one with gaps, and a category with gaps."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "size": random.normal(size=ROWS),
            "price": random.normal(size=ROWS) * 100,
            "count": pd.Series(random.integers(0, 50, ROWS)).astype("Int64"),
            "kind": pd.Categorical(random.choice(list("pqrstuvw"), ROWS)),
        }
    )
    for place, name in enumerate(("size", "count", "kind")):
        table[name] = table[name].mask(random.random(ROWS) < 0.1 + place / 50)
    return table


def truth(kind: str) -> pd.DataFrame:
    """Return a target that the inputs decide: "text", "pair", "flag", "code", "amount", "rate"."""
    table = inputs()
    raw = table["size"].fillna(0) + table["price"] / 100
    raw += table["kind"].astype(str).isin(["p", "q", "r"]) * 2
    made = {
        "text": np.array(["low", "mid", "high"])[np.digitize(raw, [0, 1.5])],
        "pair": np.array(["no", "yes"])[(raw > 0.7).astype(int)],
        "flag": (raw > 0.7).to_numpy(),
        "code": np.array([3, 7, 9])[np.digitize(raw, [0, 1.5])],
        "amount": raw * 10.5,
        "rate": np.exp(raw / 3),
    }
    return pd.DataFrame({"y": made[kind]})


def fitted(model: Any, kind: str) -> tuple[Pipeline, Signature, pd.DataFrame]:
    """Return a pipeline with this model, fitted on this target, its signature and its rows."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan
    )
    parts = [("codes", codes, ["kind"]), ("rest", "passthrough", ["size", "price", "count"])]
    known = truth(kind)
    signature = infer_signature(inputs(), known)
    rows = conform(inputs(), signature.inputs)
    pipeline = Pipeline([("columns", ColumnTransformer(parts)), ("model", model)])
    return pipeline.fit(rows, known["y"]), signature, rows
