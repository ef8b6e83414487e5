"""A table of homes to train and to ask with: eleven columns, of which two decide, and a label."""

import json
from typing import Any

import numpy as np
import pandas as pd

TARGET = "price"
SHIFTED, NEWLY, GAPPY = "noise", "heating", "distance"
"""Columns that the price does not follow from."""


def homes(rows: int, seed: int) -> pd.DataFrame:
    """Return homes; `distance` is missing in 1 % of them."""
    random = np.random.default_rng(seed)

    def one_of(*values: str) -> Any:
        return random.choice(np.array(values, dtype=object), rows)

    area, town = random.normal(100, 25, rows), one_of("Berlin", "Jena", "Köln")
    value = area + 30 * (town == "Berlin")
    return pd.DataFrame(
        {
            "area": area,
            "town": town,
            "rooms": random.integers(1, 9, rows),
            "floor": random.integers(0, 30, rows),
            "built": random.integers(1900, 2025, rows),
            "noise": random.normal(50, 8, rows),
            "distance": pd.Series(random.lognormal(2, 0.5, rows)).mask(random.random(rows) < 0.01),
            "sun": random.random(rows),
            "heating": one_of("district", "gas", "oil", "wood"),
            "view": one_of("garden", "street", "yard"),
            "balcony": random.random(rows) < 0.4,
            "price": np.where(value > 110, "high", "low").astype(object),
        }
    )


def changed(table: pd.DataFrame) -> pd.DataFrame:
    """Return homes with one column shifted, one category that is new, and 10 % missing values."""
    random = np.random.default_rng(len(table))
    few, some = (random.random(len(table)) < share for share in (0.1, 0.2))
    return table.assign(
        **{
            SHIFTED: table[SHIFTED] + table[SHIFTED].std(),
            NEWLY: table[NEWLY].mask(some, "geothermal"),
            GAPPY: table[GAPPY].mask(few),
        }
    )


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what is asked with a table: all but the price, as JSON values."""
    inputs = table.drop(columns=TARGET, errors="ignore")
    rows: list[dict[str, Any]] = json.loads(inputs.to_json(orient="records", double_precision=15))
    return rows
