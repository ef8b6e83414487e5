"""The cells of a text column, and what they say by themselves: before ties are broken."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from pandas.api.types import infer_dtype, is_string_dtype

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.columns.dates import DAY_FIRST, MONTH_FIRST, Dates, dates_of, is_zero
from ml_pipe.runner.reading.columns.distinct import Distinct, distinct_of, matches
from ml_pipe.runner.reading.columns.missing import ODD, is_word, means_missing
from ml_pipe.runner.reading.columns.numbers import Numbers, numbers_of
from ml_pipe.runner.reading.options import ReadingOptions


@dataclass(frozen=True)
class Context:
    """What the columns of a file show together, which breaks ties and no more."""

    has_commas: bool
    """Whether a column has decimal commas beyond doubt."""
    has_points: bool
    has_semicolons: bool = False
    """Whether semicolons separate values, as where commas separate decimals."""

    @classmethod
    def of(cls, cells: "list[TextCells]", *, has_points: bool, separator: str = "") -> Self:
        """Return what the columns of a file show."""
        found = [each.numbers for each in cells if each.numbers is not None]
        has_points = has_points or any(n.proves_point for n in found)
        return cls(any(n.proves_comma for n in found), has_points, separator == ";")


@dataclass(frozen=True)
class TextCells:
    """A column of texts, and what they say by themselves."""

    series: "pd.Series[Any]"
    texts: Distinct
    as_written: bool
    """Whether the file holds texts alone, so that a number is one as well."""
    named: np.ndarray
    """`(distinct,)`, bool: which texts are the user's own words for missing."""
    words: np.ndarray
    """Which of the others are words for missing where the rest are numbers or dates."""
    odd: np.ndarray
    """Which of the others are odd where the rest are numbers or dates: infinity, a dash."""
    numbers: Numbers | None = None
    """Of the texts that are none of these."""
    dates: Dates | None = None
    is_boolean: bool = False


def has_texts(series: "pd.Series[Any]") -> bool:
    """Return whether a column holds texts alone, and no categories."""
    if series.dtype == object:
        return bool(infer_dtype(series, skipna=True) == "string")
    return is_string_dtype(series) and not isinstance(series.dtype, pd.CategoricalDtype)


TOTALS = frozenset(["total", "totals", "sum", "sums", "gesamt", "summe", "subtotal"]) | {
    "grand total"
}


def check_totals(cells: list[TextCells], options: ReadingOptions) -> None:
    """Check that the last row is no sum of the others, as spreadsheets have one.

    Raises:
        TableError: it seems to be.
    """
    for column in cells:
        name, texts = str(column.series.name), column.texts
        last = int(texts.codes[-1])
        if last < 0 or options.reading_of(name) == "text":
            continue
        word = str(texts.entries[last])
        if word.lower().rstrip(":") in TOTALS and texts.counts[last] == 1 and len(texts.codes) > 1:
            raise TableError(
                f'The last row looks like a total and not like a row: it is "{word}" in "{name}". '
                f"Remove it, or say read_as={name}:text if it is a row like the others."
            )


def text_cells(series: "pd.Series[Any]", options: ReadingOptions, *, as_written: bool) -> TextCells:
    """Return what the texts of a column say by themselves."""
    texts = distinct_of(series)
    named = is_word(texts, options.missing_words)
    others = texts.without(named)
    how = options.reading_of(str(series.name))
    if how == "text":
        nothing = np.zeros(len(others.entries), dtype=bool)
        return TextCells(series, texts, as_written, named, nothing, nothing)
    words = means_missing(others) | is_zero(others)
    odd = means_missing(others, ODD)
    rest = others.without(words | odd)
    order = how if how in {DAY_FIRST, MONTH_FIRST} else options.date_order
    form = how if "%" in how else ""
    dates = None
    if how not in {"decimal-point", "decimal-comma"}:
        dates = dates_of(_as_days(rest), order, form, options.time_zone)
    numbers = numbers_of(rest) if as_written and dates is None else None
    few = rest.entries.to_pylist() if len(rest.entries) <= _MOST_SPELLINGS else [""]
    is_boolean = as_written and bool(few) and {text.lower() for text in few} <= {"true", "false"}
    return TextCells(series, texts, as_written, named, words, odd, numbers, dates, is_boolean)


def _as_days(texts: Distinct) -> Distinct:
    """Return texts without the decimal that pandas gives to 20240131 where a column has gaps."""
    if not len(texts.entries) or not texts.text(0).endswith(".0"):
        return texts
    if not matches(texts.entries, r"^\d{8}\.0$").all():
        return texts
    return Distinct(pc.replace_substring(texts.entries, ".0", ""), texts.codes)


_MOST_SPELLINGS = 6
"""Of true and false: in small letters, in capitals, with the first in capitals."""
