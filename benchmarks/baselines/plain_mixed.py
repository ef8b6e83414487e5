"""`plain` for a mixed table: what a user would write by hand, with pandas as the model wants it."""

import os
from datetime import datetime

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel


class Flat(BaseModel):
    """A row."""

    rooms: int
    floor: int | None
    visits: int
    measured_0: float
    measured_1: float
    measured_2: float
    measured_3: float
    measured_4: float
    measured_5: float
    share: float | None
    price: float
    town: str
    size_class: str
    letter: str
    colour: str
    garden: str | None
    is_new: bool
    built: datetime
    seen: datetime | None


def create_app() -> FastAPI:
    """Return the app of the scikit-learn pipeline in the joblib file that BENCH_MODEL names."""
    model = joblib.load(os.environ["BENCH_MODEL"])
    app = FastAPI()

    @app.post("/predict")
    def predict(flats: list[Flat]) -> list[dict[str, str]]:
        table = pd.DataFrame([flat.model_dump() for flat in flats])
        for name in ("built", "seen"):
            table[name] = pd.to_datetime(table[name], utc=True).dt.tz_convert(None)
        table["floor"] = table["floor"].astype("float64")
        table["share"] = table["share"].astype("float64")
        return [{"species": species} for species in model.predict(table).tolist()]

    return app
