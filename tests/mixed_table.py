"""A table as people bring them: twenty columns of every kind, with gaps, spaces and umlauts."""

import numpy as np
import pandas as pd

TOWNS = ("Köln", "São Paulo", "東京", "Łódź")
WORDS = ("quick", "brown", "fox", "lazy", "dog", "jumps", "over", "naïve")


def mixed_table(rows: int, seed: int) -> pd.DataFrame:
    """Return 18 columns to learn from, and two targets: `Label` of text, `amount` of numbers.

    Both targets follow from `size`, `Stadt` and `is new`, so that a model can learn them.
    """
    random = np.random.default_rng(seed)

    def with_gaps(values: np.ndarray) -> "pd.Series":
        return pd.Series(values).mask(random.random(rows) < 0.1)

    day = np.datetime64("2024-01-01", "us")
    size = random.normal(10, 3, rows)
    town = random.choice(np.array(TOWNS, dtype=object), rows)
    is_new = random.random(rows) < 0.5
    signal = size + 5 * (town == "Köln") + 3 * is_new
    notes = [" ".join(random.choice(WORDS, 4)) + f" {number}" for number in range(rows)]
    return pd.DataFrame(
        {
            "rooms": random.integers(1, 9, rows),
            "floor": with_gaps(random.integers(0, 30, rows)).astype("Int64"),
            "small int": random.integers(0, 100, rows).astype("int8"),
            "size": size,
            "weight (kg)": with_gaps(random.normal(70, 10, rows)),
            "share %": random.random(rows).astype("float32"),
            "constant": 1.5,
            "temperature °C": with_gaps(random.normal(15, 8, rows)),
            "is new": is_new,
            "has garden": with_gaps(random.random(rows) < 0.3).astype("boolean"),
            "Stadt": town,
            "Größe": with_gaps(random.choice(np.array(["klein", "groß"], dtype=object), rows)),
            "code, old": random.choice(np.array(["a", "b,c", "d;e"], dtype=object), rows),
            "letter": random.choice(np.array(list("abcdefghij"), dtype=object), rows),
            "built": day + random.integers(0, 700, rows).astype("timedelta64[D]"),
            "seen last": with_gaps(day + random.integers(0, 10**9, rows).astype("timedelta64[s]")),
            "comment": np.array(notes, dtype=object),
            "price $": random.lognormal(3, 1, rows).round(2),
            "Label": np.where(signal > np.median(signal), "teuer", "günstig").astype(object),
            "amount": signal * 1000 + random.normal(0, 50, rows),
        }
    )
