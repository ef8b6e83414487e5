"""The pipelines that people train go through the store, and answer as they did before."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_store.bundle import Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.schema.prediction import answers
from model_store.store import LoadPolicy

# What these estimators are made of, and skops does not trust by itself.
TRUSTED = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
ROWS = 60


def table() -> pd.DataFrame:
    """Return a table with a column of every kind, most of them with missing values."""
    row = np.arange(ROWS)
    return pd.DataFrame(
        {
            "size": np.where(row % 7 == 0, np.nan, row / 3),
            "count": pd.Series(row).astype("Int64").mask(row % 11 == 0),
            "city": pd.Series([["Zürich", "Bern", None][n % 3] for n in row], dtype=object),
            "colour": pd.Categorical([["rot", "grün"][n % 2] for n in row]),
            "flag": row % 5 == 0,
            "maybe": pd.Series(row % 2 == 0).astype("boolean").mask(row % 13 == 0),
            "day": pd.Series(pd.date_range("2026-01-01", periods=ROWS)).mask(row % 17 == 0),
        }
    )


def pipeline(model: Any) -> Pipeline:
    """Return the pipeline of a careful beginner."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = make_pipeline(
        SimpleImputer(strategy="constant", missing_values=None, fill_value="missing"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=False),
    )
    steps = [
        ("numbers", numbers, ["size", "count", "flag", "maybe"]),
        ("texts", texts, ["city", "colour"]),
        ("days", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["day"]),
    ]
    return Pipeline([("columns", ColumnTransformer(steps)), ("model", model)])


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(n_estimators=5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
        LogisticRegression(),
    ],
)
@pytest.mark.filterwarnings("ignore:Found unknown categories")  # that is what a new day is
def test_a_pipeline_comes_back_from_the_store_as_it_was(model: Any, tmp_path: Path) -> None:
    """It answers text, None, NaN, booleans and days, on the way of a request."""
    target = pd.DataFrame({"even": ["yes" if n % 2 == 0 else "no" for n in range(ROWS)]})
    signature = infer_signature(table(), target)
    trained_on = conform(table(), signature.inputs)
    estimator = pipeline(model).fit(trained_on, target["even"])
    golden = golden_rows(estimator, signature, table())
    store = FileModelStore(tmp_path, LoadPolicy(trusted_types=TRUSTED))
    draft = Draft(
        model="cities",
        task="classification",
        estimator=estimator,
        signature=signature,
        golden=golden,
    )
    loaded = store.load("cities", store.publish(draft))

    unseen = {
        "size": None,
        "count": 7,
        "city": "Genève",
        "colour": "blau",
        "flag": True,
        "maybe": None,
        "day": "2027-12-31T00:00:00+01:00",
    }
    body = json.dumps([*golden.inputs, unseen]).encode()
    columns = loaded.decoder.columns([loaded.decoder.decode(body)])
    prediction = loaded.predictor.predict(columns, probabilities=True)
    given = answers(prediction, signature, loaded.predictor.classes)
    assert [row["even"] for row in given[:-1]] == [row["even"] for row in golden.outputs]
    assert given[-1]["probabilities"].keys() == {"yes", "no"}
    everything = {column.name: trained_on[column.name].to_numpy() for column in signature.inputs}
    (labels,), probabilities = loaded.predictor.predict(everything, probabilities=True)
    assert labels.tolist() == estimator.predict(trained_on).tolist()
    assert probabilities == pytest.approx(estimator.predict_proba(trained_on))
