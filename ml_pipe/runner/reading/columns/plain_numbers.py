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
_ALLOWED = b"0123456789.e-"
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
    parts = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    places = np.unique(np.linspace(0, len(array) - 1, min(len(array), _SAMPLE)).astype(int))
    sample = [text for text in array.take(pa.array(places)).to_pylist() if text]
    if not sample or not all(map(_PLAIN.fullmatch, sample)):
        return None
    values, has_points, start = np.empty(len(array)), False, 0
    for part in parts:
        found = _read(part.cast(pa.large_string()))
        if found is None:
            return None
        values[start : start + len(part)], pointed = found
        start, has_points = start + len(part), has_points or pointed
    low, high = np.nanmin(values), np.nanmax(values)
    decimals = [text for text in sample if "." in text]
    may_be_thousands = has_points and all(map(_MAYBE_THOUSANDS.fullmatch, decimals))
    may_be_days = any(least <= low and high <= most for least, most in (MAYBE_DAYS, _MAYBE_TIMES))
    if may_be_thousands or may_be_days or max(-low, high) > LARGEST_INTEGER:
        return None
    return PlainNumbers(values, has_points)


def _read(array: pa.LargeStringArray) -> tuple[np.ndarray, bool] | None:
    """Return the numbers of texts, and whether one has a point or an exponent; None: any doubt.

    In doubt are words, blanks, plus signs, leading zeros, and exponents that could be codes. The
    bytes of all texts are looked at together: a pattern for each takes twenty times as long.
    """
    _, ends, data = array.buffers()
    if array.null_count or data is None:
        return None
    ends = np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
    raw = data[int(ends[0]) : int(ends[-1])].to_pybytes()
    if raw.translate(None, _ALLOWED):
        return None
    # Two more, so that the last text's second and third byte are there to look at.
    text, starts, sizes = (
        np.frombuffer(raw + b"\0\0\0", np.uint8),
        ends[:-1] - ends[0],
        np.diff(ends),
    )
    first = text[starts]
    for sign, before in ((b"0", 0), (b"-", 1)):
        at = np.flatnonzero(first == sign[0])
        at = at[sizes[at] > before + 1]
        zero = text[starts[at] + before] == ord("0")
        if (zero & _is_digit(text[starts[at] + before + 1])).any():
            return None
    has_exponents = b"e" in raw
    if has_exponents and _is_digit(text[np.flatnonzero(text == ord("e")) + 1]).any():
        return None
    if not sizes.all():
        present = pa.py_buffer(np.packbits(sizes > 0, bitorder="little"))
        array = pa.LargeStringArray.from_buffers(
            len(array), pa.py_buffer(np.ascontiguousarray(ends)), data, present
        )
    try:
        values = pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return values, has_exponents or b"." in raw


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


def range_of(numbers: np.ndarray) -> tuple[float, float]:
    """Return the least and the most of numbers, but for NaN; NaN where there are no others."""
    return (
        float(np.fmin.reduce(numbers, initial=np.nan)),
        float(np.fmax.reduce(numbers, initial=np.nan)),
    )
