"""A column that has a type: of Parquet, JSON, a spreadsheet, a table of the user's making."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype, is_integer_dtype, is_string_dtype

from ml_pipe.runner.reading.columns.dates import to_utc
from ml_pipe.runner.reading.columns.epochs import read_epoch
from ml_pipe.runner.reading.columns.plain_numbers import MAYBE_DAYS, range_of
from ml_pipe.runner.reading.columns.reading import Reading
from ml_pipe.runner.reading.options import ReadingOptions
from model_store.schema.texts import normalised


def read_typed_column(
    series: "pd.Series[Any]", options: ReadingOptions, *, is_target: bool
) -> Reading:
    """Return a column that its file gives a type, as it is; whole numbers with gaps as such."""
    if isinstance(series.dtype, pd.CategoricalDtype) and is_string_dtype(series.cat.categories):
        tidy = {c: normalised(str(c)) for c in series.cat.categories}
        if any(old != new for old, new in tidy.items()):
            series = series.map(tidy).astype("category")
        return Reading(series)
    kind = getattr(series.dtype, "kind", "O")
    if kind == "M" or isinstance(series.dtype, pd.DatetimeTZDtype):
        return _dates(series, options)
    if str(series.dtype).startswith(("date32", "date64")) or (kind == "O" and _only_dates(series)):
        days = pd.Series(series.to_numpy(dtype=object), index=series.index).astype("datetime64[us]")
        return Reading(days.dt.tz_localize("UTC"), time_zone="UTC")
    if is_float_dtype(series) or is_integer_dtype(series):
        return _numbers(series, options, is_target=is_target)
    return Reading(series)


def _dates(series: "pd.Series[Any]", options: ReadingOptions) -> Reading:
    if series.dt.tz is not None:
        return Reading(series)
    moments = series.to_numpy().astype("datetime64[us]")
    has_times = bool(
        (moments[~np.isnat(moments)].astype("datetime64[D]") != moments[~np.isnat(moments)]).any()
    )
    zone = (options.time_zone if has_times else "") or "UTC"
    utc = to_utc(moments, zone)
    read = Reading(pd.Series(utc, index=series.index).dt.tz_localize("UTC"), time_zone=zone)
    if has_times:
        read.notes.append(f"times without an offset are those of {zone}")
    return read


def _numbers(series: "pd.Series[Any]", options: ReadingOptions, *, is_target: bool) -> Reading:
    values = series.to_numpy(dtype="float64", na_value=np.nan)
    read = Reading(series)
    gaps = np.isnan(values)
    if is_float_dtype(series) and gaps.any() and not gaps.all():
        finite = values[~gaps]
        if np.isfinite(finite).all() and bool((finite % 1 == 0).all()):
            read.series = pd.Series(values, index=series.index).astype("Int64")
    if not is_target:
        name = str(series.name)
        if not options.reading_of(name) and (days := _days(values)) is not None:
            read.series = pd.Series(days, index=series.index).dt.tz_localize("UTC")
            read.form, read.time_zone = "%Y%m%d", "UTC"
            read.notes.append(f"dates of the form %Y%m%d, as in {values[~gaps][0]:.0f}")
            return read
        read_epoch(read, values, name, options.reading_of(name))
    return read


def _days(values: np.ndarray) -> np.ndarray | None:
    """Return the days that numbers such as 20240131 mean, datetime64[us]; None: one is no day."""
    low, high = range_of(values)
    if not low >= MAYBE_DAYS[0] or high > MAYBE_DAYS[1]:
        return None
    present = values[~np.isnan(values)]
    if (present % 1 != 0).any():
        return None
    texts = pd.Series(values).astype("Int64").astype("str").where(~np.isnan(values))
    days = pd.to_datetime(texts, format="%Y%m%d", errors="coerce").to_numpy("datetime64[us]")
    return None if np.isnat(days[~np.isnan(values)]).any() else np.asarray(days)


def _only_dates(series: "pd.Series[Any]") -> bool:
    present = series.dropna()
    return len(present) > 0 and all(type(value) is dt.date for value in present)
