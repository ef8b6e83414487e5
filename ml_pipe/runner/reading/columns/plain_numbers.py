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
_ALLOWED = np.isin(np.arange(256), np.frombuffer(b"0123456789.e-", np.uint8))
_MAYBE_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")
MAYBE_DAYS = (19_000_101, 21_001_231)
"""Numbers that may be days, as in 20240131."""
_MAYBE_TIMES = tuple(1_000_000 * day for day in (MAYBE_DAYS[0], MAYBE_DAYS[1] + 1))
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
    array = array.cast(pa.large_string())
    places = np.unique(np.linspace(0, len(array) - 1, min(len(array), _SAMPLE)).astype(int))
    sample = [text for text in array.take(pa.array(places)).to_pylist() if text]
    if not sample or not all(map(_PLAIN.fullmatch, sample)):
        return None
    signs = _signs(array)
    if signs is None:
        return None
    present = pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)
    try:
        values = pc.cast(present, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    pointed = [text for text in sample if "." in text]
    has_points = "." in signs or "e" in signs
    low, high = np.nanmin(values), np.nanmax(values)
    may_be_thousands = has_points and all(map(_MAYBE_THOUSANDS.fullmatch, pointed))
    may_be_days = any(least <= low and high <= most for least, most in (MAYBE_DAYS, _MAYBE_TIMES))
    if may_be_thousands or may_be_days or max(-low, high) > LARGEST_INTEGER:
        return None
    return PlainNumbers(np.asarray(values), has_points)


def _signs(array: pa.LargeStringArray) -> str | None:
    """Return which of "." and "e" stand in texts; None where one of them is in doubt.

    In doubt are words, blanks, plus signs, leading zeros, and exponents that could be codes. The
    bytes of all texts are looked at together: a pattern for each takes twenty times as long.
    """
    _, ends, data = array.buffers()
    if array.null_count or data is None:
        return None
    ends = np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
    # Two more, so that a text's second and third byte are there to look at.
    text = np.append(np.frombuffer(data, np.uint8)[ends[0] : ends[-1]], np.zeros(3, np.uint8))
    if not _ALLOWED[text[:-3]].all():
        return None
    starts, sizes = ends[:-1] - ends[0], np.diff(ends)
    is_negative = text[starts] == ord("-")
    at = starts + is_negative
    starts_with_zero = (text[at] == ord("0")) & (sizes - is_negative > 1)
    if (starts_with_zero & _is_digit(text[at + 1])).any():
        return None
    exponents = np.flatnonzero(text == ord("e"))
    if _is_digit(text[exponents + 1]).any():
        return None
    return "." * bool((text == ord(".")).any()) + "e" * bool(len(exponents))


def _is_digit(letters: np.ndarray) -> np.ndarray:
    return np.asarray((letters >= ord("0")) & (letters <= ord("9")))


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
