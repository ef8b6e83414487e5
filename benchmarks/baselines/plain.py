"""`plain`: what a user would write by hand. No log, no metrics, no limits, nothing."""

import os

import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel


class Flower(BaseModel):
    """A row."""

    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float


def create_app() -> FastAPI:
    """Return the app of the scikit-learn model in the joblib file that BENCH_MODEL names."""
    model = joblib.load(os.environ["BENCH_MODEL"])
    app = FastAPI()

    @app.post("/predict")
    def predict(flowers: list[Flower]) -> list[dict[str, str]]:
        rows = np.array(
            [[f.sepal_length, f.sepal_width, f.petal_length, f.petal_width] for f in flowers]
        )
        return [{"species": species} for species in model.predict(rows).tolist()]

    return app
