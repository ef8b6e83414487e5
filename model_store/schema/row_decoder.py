"""From JSON text to columns: a strict decoder, compiled from a model's signature.

It proves a body valid or refuses it, fast and without a reason; who wants the reason asks
`api.http.body_errors`, which is slower and reaches the same verdict.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple

import msgspec
import numpy as np

from model_store.schema.arrays.array_values import stacked
from model_store.schema.columns import Columns, dtype_of
from model_store.schema.signature import Kind, Signature
from model_store.schema.value_readers import json_type, value_reader

MAX_STRING = 10_000
"""The default limit of a string, in characters."""

_OPENINGS = (b"[", b"{")
_SPACED_KEY = re.compile(rb'"[ \t\n\r]+:')
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
"""A string in JSON text, with its quotes."""

_LONG = 2_000
"""From so many bytes on, numpy counts a character faster than `bytes` does; at 75 kB, 4 times."""

_MANY = 8
"""From so many rows on, a body's columns are read as arrays at once."""

_encode = msgspec.json.Encoder().encode
_Single = str | int | float | bool | None
_decode_any = msgspec.json.Decoder(list[dict[str, _Single]] | dict[str, _Single]).decode
_WithArrays = str | int | float | bool | list[Any] | None
_decode_any_with_arrays = msgspec.json.Decoder(
    list[dict[str, _WithArrays]] | dict[str, _WithArrays]
).decode


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
    rewritten: bytes = b""
    """The rows' JSON text as the log keeps it: inputs alone, by their names, each value written as
    the model read it. Empty where the body is such a text."""


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
        self._dtypes = [dtype_of(column) for column in signature.inputs]
        self._readers = [value_reader(column) for column in signature.inputs]
        self._to_read = [
            (place, fields[place], reader.one)
            for place, reader in enumerate(self._readers)
            if signature.inputs[place].kind not in {Kind.NUMBER, Kind.BOOLEAN}
        ]
        self._key_colons = sum(1 + column.name.count(":") for column in signature.inputs)
        self._headers = signature.headers
        self._ignored = frozenset(signature.ignored)
        has_arrays = any(column.kind is Kind.ARRAY for column in signature.inputs)
        self._decode_any = _decode_any_with_arrays if has_arrays else _decode_any

    def decode(self, body: bytes) -> Rows:
        """Return the rows of a body: one object, or an array of at least one.

        Raises:
            InvalidRowsError: the body is not UTF-8 JSON, has a duplicate key, or breaks the
                signature anywhere.
        """
        try:
            return self._decoded(body)
        except InvalidRowsError:
            if not self._headers and not self._ignored:
                raise
        # Only now, so that rows of inputs by their names, which most are, cost nothing more.
        text = self._of_inputs(body)
        rows = self._decoded(text)
        return rows if rows.rewritten else rows._replace(rewritten=text)

    def columns(self, bodies: Iterable[Rows]) -> Columns:
        """Return the rows of some bodies as one array a column, as `schema.columns` has them."""
        parts = [rows.cells for rows in bodies]
        if self._all_numbers:
            # A bytearray, as an array of bytes could not be written to.
            table = np.frombuffer(bytearray().join(parts)).reshape(-1, len(self._columns))
            return {column.name: table[:, i] for i, column in enumerate(self._columns)}
        blocks: list[Sequence[np.ndarray]] = []
        for is_few, group in groupby(parts, lambda cells: isinstance(cells, list)):
            blocks += [self._arrays([*chain.from_iterable(group)])] if is_few else group  # noqa: B031
        arrays = blocks[0] if len(blocks) == 1 else map(np.concatenate, zip(*blocks, strict=True))
        return {column.name: array for column, array in zip(self._columns, arrays, strict=True)}

    def _decoded(self, body: bytes) -> Rows:
        """Return the rows of a body that holds inputs by their names alone."""
        try:
            # Only what begins with a space has to be copied to see what it begins with.
            first = body[:1] if body[:1] in _OPENINGS else body.lstrip(b" \t\n\r")[:1]
            single = first == b"{"
            rows = [self._one.decode(body)] if single else self._many.decode(body)
            if not rows:
                raise InvalidRowsError
            if self._all_numbers:
                if has_duplicate_key(body, len(rows) * len(self._columns)):
                    raise InvalidRowsError
                return Rows(len(rows), single, self._packed(rows))
            read = self._read if len(rows) < _MANY else self._read_many
            cells, kept = read(rows, body)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            raise InvalidRowsError from None
        rewritten = b"" if kept is None else _encode(kept[0] if single else kept)
        return Rows(len(rows), single, cells, rewritten)

    def _of_inputs(self, body: bytes) -> bytes:
        """Return the JSON text of a body's inputs by their names.

        Raises:
            InvalidRowsError: it is no array of rows of single values, or names one twice.
        """
        try:
            document: Any = self._decode_any(body)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            raise InvalidRowsError from None
        rows = [document] if isinstance(document, dict) else document
        if has_duplicate_key(body, sum(map(len, rows))):
            raise InvalidRowsError
        for row in rows:
            for key in self._ignored & row.keys():
                if isinstance(row.pop(key), list):
                    # What is ignored is a single value all the same.
                    raise InvalidRowsError
            for header in self._headers.keys() & row.keys():
                name = self._headers[header]
                if name in row:
                    # A column by its name and by its header.
                    raise InvalidRowsError
                row[name] = row.pop(header)
        return _encode(document)

    def _read(
        self, rows: Sequence[Any], body: bytes
    ) -> tuple[list[list[Any]], Sequence[Any] | None]:
        """Return the cells of a few rows, row by row, and the rows to keep, if others."""
        found = []
        colons = 0
        is_kept = True
        for row in rows:
            cells = [*msgspec.structs.astuple(row)]
            for place, field, read in self._to_read:
                value = cells[place]
                if value is None:
                    continue
                if isinstance(value, str):
                    colons += value.count(":")
                cells[place], kept = read(value)
                if kept is not value:
                    setattr(row, field, kept)
                    is_kept = False
            found.append(cells)
        self._check_keys(body, len(rows), colons)
        return found, None if is_kept else rows

    def _read_many(
        self, rows: Sequence[Any], body: bytes
    ) -> tuple[tuple[np.ndarray, ...], Sequence[Any] | None]:
        """Return the arrays of many rows, column by column, and the rows to keep, if others."""
        cells = [*chain.from_iterable(map(msgspec.structs.astuple, rows))]
        width = len(self._columns)
        columns = [cells[place::width] for place in range(width)]
        read = [reader.many(v) for reader, v in zip(self._readers, columns, strict=True)]
        self._check_keys(body, len(rows), sum(found.colons for found in read))
        arrays = tuple(found.array for found in read)
        if all(found.kept is None for found in read):
            return arrays, None
        kept = [
            values if found.kept is None else found.kept
            for found, values in zip(read, columns, strict=True)
        ]
        return arrays, list(map(self.row_type, *kept))

    def _check_keys(self, body: bytes, rows: int, colons: int) -> None:
        """See that no key stands twice.

        Args:
            body: valid for the row's type.
            rows: how many it has.
            colons: how many all its values have.

        Raises:
            InvalidRowsError: one does.
        """
        if _hides_colon(body):
            if has_duplicate_key(body, rows * len(self._columns)):
                raise InvalidRowsError
        # Every key brings a colon; a key that stands twice brings one too many.
        elif _colons(body) != rows * self._key_colons + colons:
            raise InvalidRowsError

    def _arrays(self, rows: Iterable[Sequence[Any]]) -> list[np.ndarray]:
        columns = zip(*rows, strict=True)
        return [
            stacked(cells, column) if column.kind is Kind.ARRAY else np.array(cells, dtype)
            for cells, dtype, column in zip(columns, self._dtypes, self._columns, strict=True)
        ]

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


def _hides_colon(body: bytes) -> bool:
    """Return whether a colon may be written as an escape; hardly any body has one."""
    if b"\\" not in body:
        return False
    if len(body) < _LONG:
        return b"\\u003" in body
    # Four times as fast as to look for these bytes, where each umlaut is an escape.
    text = np.frombuffer(body, np.uint8)
    places = np.flatnonzero(text[:-4] == ord("\\"))
    return bool(((text[places + 3] == ord("0")) & (text[places + 4] == ord("3"))).any())


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
