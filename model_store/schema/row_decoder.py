"""From JSON text to columns: a strict decoder, compiled from a model's signature.

It proves a body valid or refuses it, fast and without a reason; who wants the reason asks
`api.http.body_errors`, which is slower and reaches the same verdict.
"""

import json
import re
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np

from model_store.schema.columns import Columns, dtype_of
from model_store.schema.signature import LARGEST_INTEGER, Column, Kind, Signature

MAX_STRING = 10_000
"""The default limit of a string, in characters."""

# A datetime's offset is required: without one, nobody knows which moment is meant.
AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)]

_OPENINGS = (b"[", b"{")
_SPACED_KEY = re.compile(rb'"[ \t\n\r]+:')
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
"""A string in JSON text, with its quotes."""

# An offset without its colon, which msgspec takes and RFC 3339 does not know.
_MAYBE_COMPACT = re.compile(rb'[+-]\d{4}"')
_COMPACT_OFFSET = re.compile(r"[+-]\d{4}$")
_LONG = 2_000
"""From so many bytes on, numpy counts a character faster than `bytes` does; at 75 kB, 4 times."""

_TEXT_KINDS = frozenset({Kind.STRING, Kind.CATEGORY})


class InvalidRowsError(ValueError):
    """A body is not what the signature asks for."""

    def __init__(self) -> None:
        super().__init__("The body is not valid for this model's signature.")


class Rows(NamedTuple):
    """The rows of one body, in order."""

    size: int
    single: bool
    """Whether the body was one object, not an array: the answer then is one object too."""
    cells: Any
    """What `RowDecoder.columns` takes of them."""


class RowDecoder:
    """Decodes bodies of one signature, and turns decoded rows into columns."""

    def __init__(self, signature: Signature, *, max_string: int = MAX_STRING) -> None:
        fields = [f"c{index}" for index in range(len(signature.inputs))]
        # Column names may hold anything, so they are the fields' names in JSON only.
        self.row_type = msgspec.defstruct(
            "Row",
            [
                (field, json_type(column, max_string))
                for field, column in zip(fields, signature.inputs, strict=True)
            ],
            rename={f: c.name for f, c in zip(fields, signature.inputs, strict=True)},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._columns = signature.inputs
        self._one = msgspec.json.Decoder(self.row_type)
        self._many = msgspec.json.Decoder(list[self.row_type])  # type: ignore[name-defined]
        self._all_numbers = all(column.kind is Kind.NUMBER for column in signature.inputs)
        self._text_fields = _fields_of(signature.inputs, _TEXT_KINDS)
        self._datetime_fields = _fields_of(signature.inputs, {Kind.DATETIME})
        self._datetime_names = [c.name for c in signature.inputs if c.kind is Kind.DATETIME]

    def decode(self, body: bytes) -> Rows:
        """Return the rows of a body: one object, or an array of at least one.

        Raises:
            InvalidRowsError: the body is not UTF-8 JSON, has a duplicate key, or breaks the
                signature anywhere.
        """
        try:
            # Only what begins with a space has to be copied to see what it begins with.
            first = body[:1] if body[:1] in _OPENINGS else body.lstrip(b" \t\n\r")[:1]
            single = first == b"{"
            rows = [self._one.decode(body)] if single else self._many.decode(body)
            if self._datetime_fields:
                self._to_utc(rows)
                if _MAYBE_COMPACT.search(body) and self._has_compact_offset(body):
                    raise InvalidRowsError
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            raise InvalidRowsError from None
        keys = len(rows) * len(self._columns)
        if not rows or has_duplicate_key(body, keys) or self._has_nul(body, rows):
            raise InvalidRowsError
        return Rows(len(rows), single, self._packed(rows) if self._all_numbers else rows)

    def columns(self, bodies: Iterable[Rows]) -> Columns:
        """Return the rows of some bodies as one array a column, each `(rows,)`."""
        parts = [rows.cells for rows in bodies]
        if self._all_numbers:
            # A bytearray, as an array of bytes could not be written to.
            table = np.frombuffer(bytearray().join(parts)).reshape(-1, len(self._columns))
            return {column.name: table[:, i] for i, column in enumerate(self._columns)}
        values = zip(*map(msgspec.structs.astuple, chain.from_iterable(parts)), strict=True)
        return {
            column.name: np.array(cells, dtype=dtype_of(column))
            for column, cells in zip(self._columns, values, strict=True)
        }

    def _packed(self, rows: Sequence[Any]) -> bytes:
        """Return the numbers of rows, row by row, as doubles: a tenth of what objects take.

        Done at once: while others decode, objects would leave the processor's cache.
        """
        numbers = [*chain.from_iterable(map(msgspec.structs.astuple, rows))]
        try:
            return struct.pack(f"{len(numbers)}d", *numbers)
        except struct.error:
            # A missing number, which numpy makes a NaN, and takes twice as long.
            return np.array(numbers, dtype=np.float64).tobytes()

    def _to_utc(self, rows: Sequence[Any]) -> None:
        for row in rows:
            for field in self._datetime_fields:
                moment = getattr(row, field)
                if moment is not None:
                    # numpy's datetimes know no zone; ours are all UTC.
                    setattr(row, field, moment.astimezone(UTC).replace(tzinfo=None))

    def _has_compact_offset(self, body: bytes) -> bool:
        document = json.loads(body)
        rows = document if isinstance(document, list) else [document]
        return any(
            is_compact_offset(row[name] or "") for row in rows for name in self._datetime_names
        )

    def _has_nul(self, body: bytes, rows: Sequence[Any]) -> bool:
        # JSON can carry a NUL only as an escape, so that nearly every body is cleared here.
        if not self._text_fields or rb"\u0000" not in body:
            return False
        return any("\0" in (getattr(row, f) or "") for row in rows for f in self._text_fields)


def is_compact_offset(text: str) -> bool:
    """Return whether a datetime ends in an offset without a colon, which RFC 3339 forbids."""
    return bool(_COMPACT_OFFSET.search(text))


def json_type(column: Column, max_string: int = MAX_STRING) -> Any:
    """Return the type that msgspec decodes a column's JSON value to, strictly."""
    types: dict[Kind, Any] = {
        Kind.INTEGER: Annotated[int, msgspec.Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)],
        Kind.NUMBER: float,
        Kind.BOOLEAN: bool,
        Kind.STRING: Annotated[str, msgspec.Meta(max_length=max_string)],
        Kind.CATEGORY: Annotated[str, msgspec.Meta(max_length=max_string)],
        Kind.DATETIME: AwareDatetime,
    }
    return types[column.kind] | None if column.nullable else types[column.kind]


def _fields_of(columns: Sequence[Column], kinds: frozenset[Kind] | set[Kind]) -> tuple[str, ...]:
    return tuple(f"c{index}" for index, column in enumerate(columns) if column.kind in kinds)


def _colons(body: bytes) -> int:
    if len(body) < _LONG:
        return body.count(b":")
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == ord(":")))


def has_duplicate_key(body: bytes, keys: int) -> bool:
    """Return whether a valid body names a key twice, given how many keys its rows have.

    Every key brings a colon, so an exact count clears the body. Strings may hold colons too
    (every datetime does), but hardly ever a quote before one: the second count clears nearly all
    of those. In the rest, strings are left out of the count.
    """
    if _colons(body) == keys:
        return False
    if body.count(b'":') == keys and not _SPACED_KEY.search(body):
        return False
    return STRING.sub(b"", body).count(b":") != keys
