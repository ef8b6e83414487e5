"""The values of one column as a request may write them, read into its array: strictly, exactly.

A reader gives two things of a value: the cell that the column's array holds, and the value as the
log keeps it, which is the one that was sent wherever there is only one way to write it. So `181.0`
of an integer column is kept as `181`, ` Köln` as `Köln`, and a date without an offset as RFC 3339.
"""

from typing import Annotated, Any, Protocol

import msgspec
import numpy as np

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


class ValueReader(Protocol):
    """Reads the values of one column; each raises a ValueError where one is none."""

    def one(self, value: Any) -> tuple[Any, Any]:
        """Return the cell of a value that is not None, and the value to keep."""

    def many(self, values: list[Any]) -> tuple[np.ndarray, list[Any] | None]:
        """Return the array of values, `(rows,)`, and those to keep; None: those that were sent."""


def json_type(column: Column, max_string: int) -> Any:
    """Return the type that msgspec decodes a column's JSON value to, before it is read."""
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


def value_reader(column: Column) -> ValueReader | None:
    """Return the reader of a column; None: the decoder's own values are its cells."""
    if column.kind is Kind.INTEGER:
        return _Integers(column)
    if column.kind is Kind.DATETIME:
        return _Moments(column)
    if column.kind in {Kind.STRING, Kind.CATEGORY}:
        return _Texts(column)
    return None


def is_normalised(column: Column) -> bool:
    """Return whether a model was trained on normalised texts; older ones were trained on others."""
    return all(name == normalised(name) for name in column.categories)


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

    def many(self, values: list[float | None]) -> tuple[np.ndarray, list[Any] | None]:
        if float not in set(map(type, values)):
            return np.array(values, self._dtype), None
        whole = [value if value is None else self.one(value)[0] for value in values]
        return np.array(whole, self._dtype), whole


class _Texts:
    def __init__(self, column: Column) -> None:
        self._nullable = column.nullable
        # A model that was trained on other texts gets them as they were sent.
        self._is_normalised = is_normalised(column)

    def one(self, value: str) -> tuple[str | None, str | None]:
        if value and value.isascii() and value.strip() is value:
            return value, value
        read = self._read(value)
        return (value, value) if read == value else (read, read)

    def many(self, values: list[str | None]) -> tuple[np.ndarray, list[Any] | None]:
        # Texts repeat in most columns.
        distinct = set(values)
        distinct.discard(None)
        others = {text: read for text in distinct if (read := self._read(text)) != text}
        if not others:
            return np.array(values, object), None
        kept = [others.get(value, value) for value in values]
        return np.array(kept, object), kept

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

    def many(self, values: list[Any]) -> tuple[np.ndarray, list[Any] | None]:
        if (moments := rfc_3339_moments(values)) is not None:
            return moments, None
        moments = read_moments(values, self._column)
        return moments, [moment and as_text(moment) for moment in moments.tolist()]
