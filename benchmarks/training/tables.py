"""Tables that make a training expensive, each in its own way."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

TARGET = "y"
_OFTEN = 2
_GAPS, _FLAGS = 0.1, 0.5
"""Shares of rows."""


class Table(NamedTuple):
    """A table to train on."""

    name: str
    title: str
    make: Callable[[], pd.DataFrame]

    def written(self, folder: Path) -> Path:
        """Return the table's CSV file, made where there is none yet."""
        path = folder / f"{self.name}.csv"
        if not path.is_file():
            self.make().to_csv(path, index=False)
        return path


def mixed(rows: int = 300_000) -> pd.DataFrame:
    """Return 19 columns of every kind but free text, some with gaps, and a label that follows."""
    random = np.random.default_rng(0)
    table: dict[str, object] = {}
    for place in range(5):
        table[f"number_{place}"] = random.normal(size=rows).round(4)
        table[f"count_{place}"] = random.integers(0, 1000, rows)
    for place in range(4):
        letters = np.array([f"value {n}" for n in range(5 * (place + 1))], dtype=object)
        table[f"category_{place}"] = random.choice(letters, rows)
    table["gaps"] = np.where(random.random(rows) < _GAPS, np.nan, random.normal(size=rows).round(3))
    table["flag"] = random.random(rows) < _FLAGS
    start = np.datetime64("2020-01-01T00:00:00")
    for place in range(3):
        moments = start + random.integers(0, 10**8, rows).astype("timedelta64[s]")
        table[f"moment_{place}"] = np.datetime_as_string(moments)
    made = pd.DataFrame(table)
    signal = made["number_0"] + made["count_1"] / 300 + (made["category_0"] == "value 1")
    noise = random.normal(size=rows)
    return made.assign(**{TARGET: np.where(signal + noise > signal.median(), "yes", "no")})


def wide(rows: int = 2_000, columns: int = 500) -> pd.DataFrame:
    """Return 499 columns of numbers, and a label that follows from three of them."""
    random = np.random.default_rng(1)
    made = pd.DataFrame(random.normal(size=(rows, columns - 1)).round(5))
    made.columns = [f"x{place}" for place in range(columns - 1)]
    signal = made["x0"] + made["x1"] - made["x2"]
    return made.assign(**{TARGET: np.where(signal > 0, "yes", "no")})


def texts(rows: int = 50_000, words: int = 120) -> pd.DataFrame:
    """Return two columns of long texts, one in 500 of 10,000 characters, seven of numbers."""
    random = np.random.default_rng(2)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    lexicon = np.array(
        ["".join(random.choice(letters, random.integers(3, 9))) for _ in range(5_000)], dtype=object
    )
    shares = 1 / np.arange(1, len(lexicon) + 1)
    shares /= shares.sum()

    def text(size: int) -> str:
        return " ".join(random.choice(lexicon, size, p=shares))

    table: dict[str, object] = {f"x{n}": random.normal(size=rows).round(4) for n in range(7)}
    table["report"] = [
        text(2_000)[:10_000] if row % 500 == 0 else text(words) for row in range(rows)
    ]
    table["note"] = [text(words // 4) for _ in range(rows)]
    made = pd.DataFrame(table)
    common = made["report"].str.count(rf"\b{lexicon[3]}\b") > _OFTEN
    signal = made["x0"] + common + random.normal(size=rows) / 2
    return made.assign(**{TARGET: np.where(signal > signal.median(), "yes", "no")})


def labels(rows: int = 20_000, classes: int = 300) -> pd.DataFrame:
    """Return ten columns of numbers, and one of 300 labels."""
    random = np.random.default_rng(3)
    made = pd.DataFrame(random.normal(size=(rows, 10)).round(4))
    made.columns = [f"x{place}" for place in range(10)]
    signal = made["x0"] * 2 + made["x1"] + random.normal(size=rows) / 10
    ranks = signal.rank(method="first") - 1
    names = np.array([f"label {n}" for n in range(classes)], dtype=object)
    return made.assign(**{TARGET: names[(ranks * classes // rows).astype(int)]})


TABLES = (
    Table("mixed", "300,000 rows of 20 mixed columns", mixed),
    Table("wide", "2,000 rows of 500 columns", wide),
    Table("texts", "50,000 rows of 10 columns, two of long texts", texts),
    Table("labels", "20,000 rows of 300 labels", labels),
)
