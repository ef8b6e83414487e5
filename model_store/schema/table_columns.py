"""What a table's column holds: its kind, its values in that kind's array, and what is missing."""

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from model_store.errors import SignatureError
from model_store.schema.arrays.array_cells import holds_arrays, read_cells
from model_store.schema.columns import dtype_of
from model_store.schema.signature import LARGEST_INTEGER, Column, Kind
from model_store.schema.texts import normalised

# What pandas says of the Python objects in a column, and the kind that each makes.
_KINDS_OF_OBJECTS = {
    "string": Kind.STRING,
    "boolean": Kind.BOOLEAN,
    "integer": Kind.INTEGER,
    "floating": Kind.NUMBER,
    "mixed-integer-float": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "datetime": Kind.DATETIME,
    "datetime64": Kind.DATETIME,
    "date": Kind.DATETIME,
}
_KINDS_OF_DTYPES = {"b": Kind.BOOLEAN, "i": Kind.INTEGER, "u": Kind.INTEGER, "f": Kind.NUMBER}
_TEXT = {Kind.STRING, Kind.CATEGORY}
_MISSING: dict[Kind, Any] = {
    Kind.STRING: None,
    Kind.CATEGORY: None,
    Kind.DATETIME: np.datetime64("NaT"),
}
# Half a surrogate pair is text to Python, but to no encoding.
_NO_JSON = re.compile(r"[\x00\ud800-\udfff]")


class Observed(NamedTuple):
    """What a table's column holds."""

    kind: Kind | None
    """None where every value is missing."""
    values: np.ndarray
    """The values that are not missing: int64, float64, bool, object of str or datetime64[us]; of
    arrays, `(rows, *shape)` of their own dtype."""
    missing: np.ndarray
    """`(rows,)`, bool."""

    def as_array(self, column: Column) -> np.ndarray:
        """Return the array, `(rows,)` or `(rows, *shape)`, that a request would give for them.

        Raises:
            SignatureError: they are of another kind than the column, or some are missing and the
                column is not nullable.
        """
        if self.missing.any() and not column.nullable:
            raise SignatureError(
                f'The column "{column.name}" has missing values and had none in training: leave '
                "out these rows, or train on a table that has some too."
            )
        array = np.empty((len(self.missing), *column.shape), dtype=dtype_of(column))
        array[~self.missing] = self._values_as(column)
        if column.nullable:
            array[self.missing] = _MISSING.get(column.kind, np.nan)
        return array

    def _values_as(self, column: Column) -> np.ndarray:
        kind, values = self.kind, self.values
        if kind is Kind.ARRAY and column.kind is Kind.ARRAY:
            return _arrays_as(values, column)
        if kind is None:
            return np.empty((0, *column.shape), dtype_of(column))
        if kind is column.kind or {kind, column.kind} <= _TEXT:
            return values
        if column.kind is Kind.NUMBER and kind is Kind.INTEGER:
            return values.astype("float64")
        # A table keeps integers as floats as soon as one is missing.
        if column.kind is Kind.INTEGER and kind is Kind.NUMBER and _is_whole(values):
            return values.astype("int64")
        # So are booleans, in what `conform` itself returns.
        is_numeric = kind in {Kind.NUMBER, Kind.INTEGER}
        if column.kind is Kind.BOOLEAN and is_numeric and np.isin(values, (0, 1)).all():
            return values.astype(bool)
        raise SignatureError(
            f'The column "{column.name}" holds {kind} values where the model was trained on '
            f"{column.kind} ones: convert it, or train again."
        )


def observe(series: "pd.Series[Any]") -> Observed:
    """Return what a table's column holds, of whichever pandas or numpy dtype.

    Raises:
        SignatureError: it holds what no kind can carry.
    """
    dtype = series.dtype
    if holds_arrays(series):
        arrays, missing = read_cells(series)
        return Observed(Kind.ARRAY if len(arrays) else None, arrays, missing)
    missing = series.isna().to_numpy(dtype=bool, copy=True)
    # Arrow's dictionaries are categories under another name.
    is_category = isinstance(dtype, pd.CategoricalDtype) or str(dtype).startswith("dictionary<")
    if is_category or str(dtype).startswith(("date32", "date64")):
        series = series.astype(object)
    present = series[~missing]
    kind = _kind_of(present)
    if kind is None:
        return Observed(None, np.empty(0), missing)
    read = {Kind.INTEGER: _integers, Kind.NUMBER: _numbers, Kind.DATETIME: _moments}
    if kind is Kind.STRING:
        values = _texts(present)
        kind = Kind.CATEGORY if is_category else kind
        return _without(values == "", Observed(kind, values, missing))
    if kind is Kind.BOOLEAN:
        return Observed(kind, present.to_numpy(dtype=bool), missing)
    values = read[kind](present)
    if kind is Kind.NUMBER:
        # Arrow distinguishes NaN from null, we don't.
        return _without(np.isnan(values), Observed(kind, values, missing))
    return Observed(kind, values, missing)


def _without(hidden: np.ndarray, found: Observed) -> Observed:
    """Return what is found with some more of its values missing."""
    kind, values, missing = found
    missing[~missing] = hidden
    values = values[~hidden]
    return Observed(kind if len(values) else None, values, missing)


def _kind_of(present: "pd.Series[Any]") -> Kind | None:
    """Return the kind of values of which none is missing, or None where there is none."""
    if present.empty:
        return None
    letter = getattr(present.dtype, "kind", "O")
    if letter in _KINDS_OF_DTYPES:
        return _KINDS_OF_DTYPES[letter]
    if isinstance(present.dtype, pd.DatetimeTZDtype) or letter == "M":
        return Kind.DATETIME
    held = infer_dtype(present, skipna=True)
    if held not in _KINDS_OF_OBJECTS:
        raise SignatureError(
            f'The column "{present.name}" holds what JSON rows cannot carry or mixes types '
            f"({held}): turn it into numbers, booleans, text or datetimes, or leave it out."
        )
    return _KINDS_OF_OBJECTS[held]


def _integers(present: "pd.Series[Any]") -> np.ndarray:
    # As Python's integers, which never overflow: 2**63 is negative as int64.
    if max(abs(int(present.min())), abs(int(present.max()))) > LARGEST_INTEGER:
        raise SignatureError(
            f'The column "{present.name}" has integers beyond 2**53, which computing would round: '
            "turn it into text if it is an identifier, else into a float."
        )
    return present.to_numpy(dtype="int64")


def _numbers(present: "pd.Series[Any]") -> np.ndarray:
    values = present.to_numpy(dtype="float64", na_value=np.nan)
    if np.isinf(values).any():
        raise SignatureError(
            f'The column "{present.name}" has infinite values: mark them as missing, or leave out '
            "these rows."
        )
    return values


def _moments(present: "pd.Series[Any]") -> np.ndarray:
    try:
        utc = pd.to_datetime(present, utc=True).dt.tz_localize(None)
        # The years that RFC 3339 can write.
        is_possible = bool(utc.dt.year.between(1, 9999).all())
    except (OverflowError, ValueError):
        is_possible = False
    if not is_possible:
        raise SignatureError(
            f'The column "{present.name}" has times outside the years 1 to 9999: mark them as '
            "missing, or leave out these rows."
        )
    return utc.to_numpy().astype("datetime64[us]")


def _texts(present: "pd.Series[Any]") -> np.ndarray:
    # By different text, as they repeat in most columns.
    places, texts = pd.factorize(present.to_numpy(dtype=object))
    read = np.array([normalised(str(text)) for text in texts], dtype=object)
    values = read[places]
    if any(map(_NO_JSON.search, read)):
        raise SignatureError(
            f'The column "{present.name}" has text with a NUL or half a surrogate pair, which a '
            "request cannot carry: clean it."
        )
    return values


def _arrays_as(values: np.ndarray, column: Column) -> np.ndarray:
    """Return arrays in the type of a column, where they fit into it and have its shape."""
    if values.shape[1:] != column.shape:
        given, wanted = (" x ".join(map(str, s)) for s in (values.shape[1:], column.shape))
        raise SignatureError(
            f'The column "{column.name}" holds arrays of {given} numbers where the model was '
            f"trained on {wanted}: change their shape, or train again."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        converted = values.astype(column.dtype, copy=False)
    is_float = converted.dtype.kind == "f"
    fits = np.isfinite(converted).all() if is_float else (converted == values).all()
    if not fits:
        raise SignatureError(
            f'The column "{column.name}" holds arrays with numbers that are no {column.dtype}, on '
            "which the model was trained: convert them, or train again."
        )
    return converted


def _is_whole(values: np.ndarray) -> bool:
    return bool(np.all((values == np.floor(values)) & (np.abs(values) <= LARGEST_INTEGER)))
