"""Values that stand for a missing one: -999 among positive numbers, the year 9999 among dates."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ml_pipe.runner.reading.columns.plain_numbers import range_of

_LOW = frozenset([-1, -9, -99, -999, -9999, -99999, -99.9, -999.9, -9999.9, -99.99, -999.99])
_HIGH = frozenset([99, 999, 9999, 99999, 999999, 99.9, 999.9, 9999.9, 99.99, 999.99, 9999.99])
_YEARS = (1600, 2200)
_FEWEST = 3
"""Fewer distinct values show no range that one of them could be far from."""


def sentinel_note(series: "pd.Series[Any]") -> str:
    """Return what is to be said of a value that may stand for a missing one; mostly nothing."""
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return _of_dates(series)
    if not is_numeric_dtype(series) or is_bool_dtype(series):
        return ""
    values = series.to_numpy(dtype="float64", na_value=np.nan)
    low, high = range_of(values)
    for value, suspects in ((low, _LOW), (high, _HIGH)):
        if value in suspects and _is_far(values[~np.isnan(values)], value):
            return _note(f"{value:.15g}", int((values == value).sum()))
    return ""


def _is_far(values: np.ndarray, value: float) -> bool:
    """Return whether a value is further from all others than these are from each other."""
    others = values[values != value]
    if not len(others) or len(np.unique(others[:1000])) < _FEWEST - 1:
        return False
    low, high = float(others.min()), float(others.max())
    if value < low:
        is_only_negative = low >= 0 and (value != -1 or low - value > (high - low) / 2)
        return is_only_negative or low - value > high - low
    return value - high > 3 * max(high - low, abs(high))


def _of_dates(series: "pd.Series[Any]") -> str:
    years = series.dt.year
    odd = (years < _YEARS[0]) | (years > _YEARS[1])
    if not odd.any():
        return ""
    days = series[odd].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    return _note(str(days[0]), int(odd.sum()))


def _note(value: str, rows: int) -> str:
    return (
        f'"{value}" in {rows} {"row" if rows == 1 else "rows"} is a value like others '
        "(missing_words= makes it missing)"
    )
