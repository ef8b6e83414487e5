"""A model with a column of categories and one with gaps: what it learnt, and what it is asked."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from model_store.bundle import Draft
from model_store.golden import golden_rows
from model_store.manifest import Score
from model_store.schema.infer_signature import infer_signature
from monitoring.statistics import profile
from tests.api.conftest import sum_draft

ASKED_ROWS = 600
"""More than those of which a large share is no chance."""


def with_reference(draft: Draft, inputs: pd.DataFrame) -> Draft:
    """Return a draft that knows how its inputs and its answers to them were distributed."""
    answers = pd.Series(draft.estimator.predict(inputs), name=draft.signature.outputs[0].name)
    table = inputs.assign(**{str(answers.name): answers})
    kinds = {column.name: column.kind for column in draft.signature}
    found = profile({name: table[name].to_numpy() for name in kinds}, kinds)
    return replace(draft, reference=json.dumps(found).encode())


def referenced_sum_draft() -> Draft:
    """Return the regression `sum` with a reference, and an error in training."""
    draft = sum_draft()
    inputs = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0) % 5})
    scores = [*draft.scores, Score(metric="mean_absolute_error", split="test", value=0.5)]
    return with_reference(replace(draft, scores=scores), inputs)


def basket_draft() -> Draft:
    """Return a classifier: Plum if it is blue, else Melon; the weight is missing in one of 50."""
    rows = np.arange(200)
    inputs = pd.DataFrame(
        {
            "colour": pd.Categorical(np.where(rows % 2, "blue", "green")),
            "weight": np.where(rows % 50, rows, np.nan),
        }
    )
    fruit = pd.Series(np.where(rows % 2, "Plum", "Melon").astype(object), name="fruit")
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["colour"]), remainder="passthrough"
    )
    estimator = make_pipeline(encoder, DecisionTreeClassifier(random_state=0)).fit(inputs, fruit)
    signature = infer_signature(inputs, fruit.astype("category").to_frame())
    draft = Draft(
        model="basket",
        task="classification",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, inputs),
        scores=[
            Score(metric=metric, split="test", value=0.9) for metric in ("accuracy", "log_loss")
        ],
    )
    return with_reference(draft, inputs)


def basket_rows() -> bytes:
    """Return rows of which a third is of a new colour, and a third has no weight."""
    colours, weights = ("blue", "green", "red"), (None, 50.0, 150.0)
    rows = [{"colour": c, "weight": w} for c in colours for w in weights]
    return json.dumps([rows[place % len(rows)] for place in range(ASKED_ROWS)]).encode()
