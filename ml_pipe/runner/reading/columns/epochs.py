"""Moments that are written as numbers: seconds or milliseconds since 1970."""

import re

import numpy as np
import pandas as pd

from ml_pipe.runner.reading.columns.plain_numbers import range_of
from ml_pipe.runner.reading.columns.reading import Reading
from model_store.schema.signature import EPOCH_MILLISECONDS, EPOCH_SECONDS

READ_AS = {"epoch-s": EPOCH_SECONDS, "epoch-ms": EPOCH_MILLISECONDS}
"""What `read_as` says of a column, and the form that it means."""
_HINTS = frozenset(
    [
        "time",
        "timestamp",
        "ts",
        "date",
        "datetime",
        "at",
        "when",
        "created",
        "updated",
        "modified",
        "epoch",
        "unix",
        "posted",
        "start",
        "end",
    ]
)
_PLAUSIBLE = {
    EPOCH_SECONDS: (315_532_800, 4_102_444_800),
    EPOCH_MILLISECONDS: (315_532_800_000, 4_102_444_800_000),
}
"""From 1980 to 2100."""
_SPREADSHEET_DAYS = (18_264, 73_050)
"""From 1950 to 2099, as Excel counts days."""


def read_epoch(read: Reading, values: np.ndarray, name: str, how: str) -> None:
    """Turn a column of numbers into moments where their size and the column's name say so.

    Args:
        read: the column, changed in place.
        values: its numbers, `(rows,)`, float64, NaN where missing.
        name: that of the column.
        how: how the user says that it is to be read; empty: nothing.
    """
    form, is_hinted = _form(values, name)
    if how and how not in READ_AS:
        return
    form = READ_AS.get(how, form)
    if not form:
        if note := _unread(values, name):
            read.notes.append(note)
        return
    short = next(key for key, value in READ_AS.items() if value == form)
    if not how and not is_hinted:
        read.notes.append(f"numbers; if they are moments since 1970: read_as={name}:{short}")
        return
    read.series = pd.Series(_moments(values, form), index=read.series.index).dt.tz_localize("UTC")
    read.form = form
    what = "seconds" if form == EPOCH_SECONDS else "milliseconds"
    read.notes.append(f"dates in {what} since 1970 (read_as={name}:decimal-point keeps numbers)")


def _unread(numbers: np.ndarray, name: str) -> str:
    """Return what is to be said of numbers that may be dates, in a way that nothing reads."""
    words = set(re.findall("[a-z]+", name.lower()))
    if words.isdisjoint(_HINTS):
        return ""
    low, high = range_of(numbers)
    least, most = _PLAUSIBLE[EPOCH_MILLISECONDS]
    if 1000 * least <= low and high <= 1000 * most:
        return "numbers; if they are microseconds since 1970, divide them by 1000"
    if (
        low >= _SPREADSHEET_DAYS[0]
        and high <= _SPREADSHEET_DAYS[1]
        and words & {"date", "datetime"}
    ):
        return "numbers; if a spreadsheet counts days so, write dates as 2024-01-31"
    return ""


def _form(numbers: np.ndarray, name: str) -> tuple[str, bool]:
    """Return the form of numbers that are plausible moments, and whether their column's name hints.

    Args:
        numbers: `(values,)`, float64; NaN is missing.
        name: that of the column.
    """
    low, high = range_of(numbers)
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    is_hinted = not _HINTS.isdisjoint(words)
    for form, (least, most) in _PLAUSIBLE.items():
        if least <= low and high <= most and (high - low > 0 or is_hinted):
            return form, is_hinted
    return "", False


def _moments(numbers: np.ndarray, form: str) -> np.ndarray:
    """Return moments, datetime64[us] of the same shape, from seconds or milliseconds since 1970."""
    factor = 1_000_000 if form == EPOCH_SECONDS else 1000
    missing = np.isnan(numbers)
    moments = np.round(np.where(missing, 0, numbers) * factor).astype("int64")
    result = moments.view("datetime64[us]").copy()
    result[missing] = np.datetime64("NaT")
    return result
