"""A column of text by its distinct values: each is understood once, however often it occurs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from model_store.schema.texts import normalised

MOSTLY = 0.8
"""The share of a column's rows that makes it a column of numbers, or dates, with odd cells."""


@dataclass(frozen=True)
class Distinct:
    """The distinct texts of a column, normalised, and where each stands."""

    entries: pa.LargeStringArray
    """`(distinct,)`, without the empty text."""
    codes: np.ndarray
    """`(rows,)`, int64: the place of each row's text in `entries`; -1 where it is missing."""

    @cached_property
    def counts(self) -> np.ndarray:
        """Return how many rows hold each value, `(distinct,)`, int64."""
        present = self.codes[self.codes >= 0]
        return np.asarray(np.bincount(present, minlength=len(self.entries)))

    def text(self, place: int) -> str:
        """Return one of the distinct texts."""
        return str(self.entries[place])

    def rows_of(self, is_meant: np.ndarray) -> np.ndarray:
        """Return the places of rows, `(rows meant,)`, whose value is meant, `(distinct,)`, bool."""
        return np.flatnonzero(np.append(is_meant, False)[self.codes])

    def spread(self, values: np.ndarray, missing: Any) -> np.ndarray:
        """Return one value a row, `(rows,)`, from one a distinct text, `(distinct,)`."""
        extended = np.append(values, np.array([missing], dtype=values.dtype))
        return np.asarray(extended[self.codes])

    def without(self, is_missing: np.ndarray) -> "Distinct":
        """Return the column with some of its values, `(distinct,)`, bool, taken as missing."""
        if not is_missing.any():
            return self
        places = np.cumsum(~is_missing) - 1
        places[is_missing] = -1
        return Distinct(
            self.entries.filter(pa.array(~is_missing)), np.append(places, -1)[self.codes]
        )

    def categories(self) -> pd.Categorical:
        """Return the texts, `(rows,)`, as categories in the order of their letters."""
        texts = np.array(self.entries.to_pylist(), dtype=object)
        order = np.argsort(texts, kind="stable")
        places = np.empty(len(order) + 1, dtype="int64")
        places[order], places[-1] = np.arange(len(order)), -1
        names = pd.Index(texts[order], dtype="str")
        return pd.Categorical.from_codes(places[self.codes], categories=names)

    def texts(self) -> "pd.Series[Any]":
        """Return the texts, `(rows,)`, dtype str."""
        indices = pa.array(self.codes, mask=self.codes < 0)
        return pd.Series(self.entries.take(indices), dtype="str")


def distinct_of(series: "pd.Series[Any]") -> Distinct:
    """Return the distinct texts of a column of texts; blank ones are missing."""
    array = pa.array(series, from_pandas=True)
    encoded = pc.dictionary_encode(array.cast(pa.large_string()))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype("int64")
    texts = encoded.dictionary
    tidy = _normalised(texts)
    if tidy.equals(texts) and not pc.any(pc.equal(texts, "")).as_py():
        return Distinct(texts, codes)
    again = pc.dictionary_encode(tidy)
    values = again.dictionary
    places = again.indices.to_numpy(zero_copy_only=False).astype("int64")
    return Distinct(values, np.append(places, -1)[codes]).without(
        pc.equal(values, "").to_numpy(zero_copy_only=False)
    )


def _normalised(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    # NFC leaves ASCII as it is.
    if pc.all(pc.string_is_ascii(texts), min_count=0).as_py() and not _has_blank_ends(texts):
        return texts
    return pa.array([normalised(text) for text in texts.to_pylist()], pa.large_string())


def _has_blank_ends(texts: pa.LargeStringArray) -> bool:
    """Return whether a text of ASCII may begin or end with a blank: it is no sign that prints."""
    present = texts.filter(pc.greater(pc.binary_length(texts), 0))
    if not len(present):
        return False
    _, ends, data = present.buffers()
    places = np.frombuffer(ends, np.int64)[present.offset : present.offset + len(present) + 1]
    letters = np.frombuffer(data, np.uint8)
    least = min(letters[places[:-1]].min(), letters[places[1:] - 1].min())
    return bool(least <= ord(" "))


def matches(values: pa.LargeStringArray, pattern: str) -> np.ndarray:
    """Return which texts match a pattern of RE2, bool of the same shape."""
    found = pc.match_substring_regex(values, pattern)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
