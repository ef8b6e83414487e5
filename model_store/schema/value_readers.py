"""The values of one column as a request may write them, read into its array: strictly, exactly.

A reader gives two things of a value: the cell that the column's array holds, and the value as the
log keeps it, which is the one that was sent wherever there is only one way to write it. So `181.0`
of an integer column is kept as `181`, ` Köln` as `Köln`, a date without an offset as RFC 3339, and
an array as base64.
"""

import struct
from typing import Annotated, Any, NamedTuple, Protocol

import msgspec
import numpy as np

from model_store.schema.arrays.array_values import (
    array_json_type,
    read_array,
    stacked,
    write_array,
)
from model_store.schema.columns import dtype_of
from model_store.schema.moments import (
    NUMBER_FORMS,
    as_text,
    read_moment,
    read_moments,
    rfc_3339,
    rfc_3339_moments,
)
from model_store.schema.signature import LARGEST_INTEGER, Column, Kind
from model_store.schema.texts import normalised

_INT64 = np.dtype("int64")
_FORMATS = {"i": "q", "f": "d", "b": "?"}
"""Of `struct`, by the kind of a dtype."""


class ReadColumn(NamedTuple):
    """What the values of a column are."""

    array: np.ndarray
    """`(rows,)`, of arrays `(rows, *shape)`."""
    kept: list[Any] | None = None
    """The values to keep; None: those that were sent."""
    colons: int = 0
    """How many colons all texts have that were sent."""


class ValueReader(Protocol):
    """Reads the values of one column; each raises a ValueError where one is none."""

    def one(self, value: Any) -> tuple[Any, Any]:
        """Return the cell of a value that is not None, and the value to keep."""

    def many(self, values: list[Any]) -> ReadColumn:
        """Return what all values are; None is a missing one."""


def json_type(column: Column, max_string: int) -> Any:
    """Return the type that msgspec decodes a column's JSON value to, before it is read."""
    if column.kind is Kind.ARRAY:
        array = array_json_type(column)
        return array | None if column.nullable else array
    text = Annotated[str, msgspec.Meta(max_length=max_string)]
    types: dict[Kind, Any] = {
        Kind.INTEGER: Annotated[int, msgspec.Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)] | float,
        Kind.NUMBER: float,
        Kind.BOOLEAN: bool,
        Kind.STRING: text,
        Kind.CATEGORY: text,
        Kind.DATETIME: str | int | float if column.form in NUMBER_FORMS else str,
    }
    return types[column.kind] | None if column.nullable else types[column.kind]


def value_reader(column: Column) -> ValueReader:
    """Return the reader of a column."""
    if column.kind is Kind.INTEGER:
        return _Integers(column)
    if column.kind is Kind.DATETIME:
        return _Moments(column)
    if column.kind is Kind.ARRAY:
        return _Arrays(column)
    return _Texts(column) if column.kind in {Kind.STRING, Kind.CATEGORY} else _Plain(column)


def is_normalised(column: Column) -> bool:
    """Return whether a model was trained on normalised texts; older ones were trained on others."""
    return all(name == normalised(name) for name in column.categories)


class _Plain:
    """Numbers and booleans, which the decoder itself reads."""

    def __init__(self, column: Column) -> None:
        self._dtype = dtype_of(column)

    def one(self, value: float) -> tuple[float, float]:
        return value, value

    def many(self, values: list[float | None]) -> ReadColumn:
        return ReadColumn(_packed(values, self._dtype))


class _Integers:
    def __init__(self, column: Column) -> None:
        self._dtype = dtype_of(column)

    def one(self, value: float) -> tuple[int, float]:
        if type(value) is int:
            return value, value
        if abs(value) > LARGEST_INTEGER or not float(value).is_integer():
            raise ValueError
        whole = int(value)
        return whole, whole

    def many(self, values: list[float | None]) -> ReadColumn:
        try:
            # Fails where one is a float or None.
            return ReadColumn(_packed_all(values, _INT64).astype(self._dtype, copy=False))
        except struct.error:
            pass
        if float not in set(map(type, values)):
            return ReadColumn(np.array(values, self._dtype))
        whole = [value if value is None else self.one(value)[0] for value in values]
        return ReadColumn(np.array(whole, self._dtype), whole)


class _Texts:
    def __init__(self, column: Column) -> None:
        self._nullable = column.nullable
        # A model that was trained on other texts gets them as they were sent.
        self._is_normalised = is_normalised(column)

    def one(self, value: str) -> tuple[str | None, str | None]:
        if "\0" in value:
            raise ValueError
        if value and value.isascii() and value.strip() is value:
            return value, value
        read = self._read(value)
        return (value, value) if read == value else (read, read)

    def many(self, values: list[str | None]) -> ReadColumn:
        # Texts repeat in most columns.
        distinct = {value for value in set(values) if value is not None}
        joined = "".join(distinct)
        if "\0" in joined:
            raise ValueError
        colons = _colons(values) if ":" in joined else 0
        others = {text: read for text in distinct if (read := self._read(text)) != text}
        if not others:
            return ReadColumn(np.array(values, object), None, colons)
        kept = [value if value is None else others.get(value, value) for value in values]
        return ReadColumn(np.array(kept, object), kept, colons)

    def _read(self, text: str) -> str | None:
        if not self._is_normalised:
            return text
        return normalised(text) or (None if self._nullable else "")


class _Moments:
    def __init__(self, column: Column) -> None:
        self._column = column

    def one(self, value: str | float) -> tuple[Any, str | float]:
        if isinstance(value, str) and (moment := rfc_3339(value)):
            return moment, value
        moment = read_moment(value, self._column)
        return moment, as_text(moment)

    def many(self, values: list[Any]) -> ReadColumn:
        if (moments := rfc_3339_moments(values)) is not None:
            return ReadColumn(moments, None, "".join(filter(None, values)).count(":"))
        colons = _colons(values)
        moments = read_moments(values, self._column)
        kept = [moment and as_text(moment) for moment in moments.tolist()]
        return ReadColumn(moments, kept, colons)


class _Arrays:
    def __init__(self, column: Column) -> None:
        self._column = column

    def one(self, value: list[Any] | str) -> tuple[np.ndarray, str]:
        array = read_array(value, self._column)
        text = write_array(array)
        return array, value if isinstance(value, str) and text == value else text

    def many(self, values: list[list[Any] | str | None]) -> ReadColumn:
        read = [(None, None) if value is None else self.one(value) for value in values]
        kept = [text for _, text in read]
        is_kept = all(text is value for text, value in zip(kept, values, strict=True))
        array = stacked([cell for cell, _ in read], self._column)
        return ReadColumn(array, None if is_kept else kept)


def _packed(values: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    """Return values as an array; where none is missing, in half of numpy's own time."""
    try:
        return _packed_all(values, dtype)
    except struct.error:
        return np.array(values, dtype)


def _packed_all(values: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    packed = struct.pack(f"{len(values)}{_FORMATS[dtype.kind]}", *values)
    return np.frombuffer(bytearray(packed), dtype)


def _colons(values: list[Any]) -> int:
    return "".join([value for value in values if isinstance(value, str)]).count(":")
