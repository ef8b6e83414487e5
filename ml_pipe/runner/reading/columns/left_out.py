"""Columns that no model should learn from: identifiers, constants, columns without a value."""

import re
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from pandas.api.types import is_integer_dtype, is_string_dtype

_INDEX = re.compile(
    r"Unnamed: \d+|index|row|rows?[ _]?(names?|numbers?|nr|no)|level_0", re.IGNORECASE
)
_IDENTIFIER = re.compile(
    r"(^|[^a-z])(id|ids|uuid|guid|key|nr|no|number|num|code|hash|token|serial|ssn|iban|vin|isbn|sku|"
    r"e?mail|phone|telephone|url|ticket|nummer)([^a-z]|$)|(?-i:[a-z](?:Id|ID|Uuid|Key|Nr|No))$",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(^|[^a-z])(sur|last|first|full|user|nick|nach|vor)?_?name([^a-z]|$)", re.IGNORECASE
)
_UUID = re.compile(r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE)
_NEARLY_ALL = 0.95
FEWEST_ROWS = 20
"""Below this many rows, values that differ prove nothing."""


def reason_to_leave_out(name: str, series: "pd.Series[Any]") -> str:
    """Return why a column is not worth learning from, a phrase; empty: it may be.

    A number with decimals is never an identifier, however much its values differ.
    """
    present = series.dropna()
    if present.empty:
        return "it has no value"
    first = present.iloc[0]
    if series.dtype == object and not isinstance(first, str | bool | int | float | UUID):
        return ""
    if len(present) == len(series) > 1 and bool((present == first).all()):
        return f'it is "{str(first)[:40]}" in every row'
    if is_integer_dtype(series):
        return _of_integers(name, present)
    is_category = isinstance(series.dtype, pd.CategoricalDtype)
    is_text = series.dtype == object or (is_string_dtype(series) and not is_category)
    return _of_texts(name, present) if is_text else ""


def _of_integers(name: str, present: "pd.Series[Any]") -> str:
    if not (_INDEX.fullmatch(name) or _IDENTIFIER.search(name)) or not present.is_unique:
        return ""
    steps = np.diff(present.to_numpy(dtype="int64"))
    is_count = len(steps) > 0 and bool((steps == 1).all())
    if _INDEX.fullmatch(name) and is_count:
        return "it numbers the rows"
    if _IDENTIFIER.search(name) and len(present) >= FEWEST_ROWS:
        return "an identifier: it differs in every row"
    return ""


def _of_texts(name: str, present: "pd.Series[Any]") -> str:
    if len(present) < FEWEST_ROWS:
        return ""
    distinct = present.nunique()
    texts = present.astype(str)
    sample = texts.iloc[:: max(1, len(texts) // 500)]
    if distinct > len(present) / 2 and sample.map(lambda text: bool(_UUID.fullmatch(text))).all():
        return "an identifier: its values are UUIDs"
    if distinct < _NEARLY_ALL * len(present):
        return ""
    words = sample.map(lambda text: len(text.split()))
    if _INDEX.fullmatch(name) or (words == 1).all():
        what = "it names the rows" if _INDEX.fullmatch(name) else "an identifier"
        return f"{what}: its texts differ in nearly every row"
    if (_NAME.search(name) or _IDENTIFIER.search(name)) and words.median() <= 6:  # noqa: PLR2004
        return "names: they differ in nearly every row"
    return ""
