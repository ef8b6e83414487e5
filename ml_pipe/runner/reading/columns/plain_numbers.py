"""Columns of plain numbers, which most are: read at once, without a look at each distinct text."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from model_store.schema.signature import LARGEST_INTEGER

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e-[0-9]+)?")
_IN_DOUBT = r"^-?0[0-9]|[^0-9.e\-]|e[0-9]"
"""Leading zeros, plus signs, words, blanks, and exponents that could be codes."""
_MAYBE_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")
_MAYBE_DAYS = (19_000_101, 21_001_231)
_SAMPLE = 200


@dataclass(frozen=True)
class PlainNumbers:
    """A column of numbers that leave nothing open."""

    values: np.ndarray
    """`(rows,)`, float64, NaN where a cell is empty."""
    has_points: bool

    def series(self, index: "pd.Index[Any]") -> "pd.Series[Any]":
        """Return the column, as whole numbers where they are."""
        return number_series(self.values, index, is_whole=not self.has_points)


def plain_numbers(series: "pd.Series[Any]") -> PlainNumbers | None:
    """Return the numbers of a column of texts; None where one of them is in any doubt."""
    array = pa.array(series)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    places = np.unique(np.linspace(0, len(array) - 1, min(len(array), _SAMPLE)).astype(int))
    sample = [text for text in array.take(pa.array(places)).to_pylist() if text]
    if not sample or not all(map(_PLAIN.fullmatch, sample)):
        return None
    if pc.any(pc.match_substring_regex(array, _IN_DOUBT)).as_py():
        return None
    present = pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)
    try:
        values = pc.cast(present, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    pointed = [text for text in sample if "." in text]
    has_points = bool(pointed) or bool(pc.any(pc.match_substring_regex(array, "[.e]")).as_py())
    low, high = np.nanmin(values), np.nanmax(values)
    may_be_thousands = has_points and all(map(_MAYBE_THOUSANDS.fullmatch, pointed))
    may_be_days = not has_points and _MAYBE_DAYS[0] <= low and high <= _MAYBE_DAYS[1]
    if may_be_thousands or may_be_days or max(-low, high) > LARGEST_INTEGER:
        return None
    return PlainNumbers(np.asarray(values), has_points)


def number_series(
    values: np.ndarray, index: "pd.Index[Any]", *, is_whole: bool
) -> "pd.Series[Any]":
    """Return numbers, `(rows,)`, as a column: of integers where all are written or kept so.

    pandas writes 181.0 where a column of whole numbers has gaps.
    """
    series = pd.Series(values, index=index)
    gaps = np.isnan(values)
    if is_whole or (gaps.any() and bool((values[~gaps] % 1 == 0).all())):
        return series.astype("Int64" if gaps.any() else "int64")
    return series
