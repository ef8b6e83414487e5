"""Reads protobuf messages of known fields, and refuses what it does not know.

A reader that skips unknown fields, or joins what is there twice, may understand a file otherwise
than the library that uses it later. Here each field is known, stands once unless it may repeat, and
has its own wire type, so that there is one way to read a message. Nothing is copied.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from model_store.errors import RefusedError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types."""
_LONGEST_VARINT = 10
_LAST = 128
"""The last byte of a number is below it."""
_WIDTHS = {FIXED64: 8, FIXED32: 4}
_NUMBER = {VARINT: rb"[\x80-\xff]{0,9}+[\x00-\x7f]", FIXED32: rb".{4}", FIXED64: rb".{8}"}


class Field(NamedTuple):
    """One field of a message."""

    name: str
    wire: int
    """Its wire type."""
    many: bool = False
    """Whether it may repeat."""
    message: "Message | None" = None
    """What its bytes are, where they are a message."""


Message = Mapping[int, Field]
"""The fields of a message by their number."""
Read = dict[str, Any]
"""A message that was read. By name: an int, a memoryview, a message, a list of these, `Numbers`."""


@dataclass
class Numbers:
    """Numbers that repeat, as many as millions: counted, and read where somebody asks."""

    count: int = 0
    _parts: list[tuple[memoryview, int]] = field(default_factory=list)

    def add(self, part: memoryview, wire: int, tag_bytes: int) -> None:
        """Add numbers that stand side by side, each after a tag of so many bytes."""
        width = _WIDTHS.get(wire)
        if width:
            self.count += len(part) // (tag_bytes + width)
        else:
            ends = int(np.count_nonzero(np.frombuffer(part, np.uint8) < _LAST))
            # A tag is a number, too.
            self.count += ends // 2 if tag_bytes else ends
        self._parts.append((part, tag_bytes))

    def integers(self) -> list[int]:
        """Return them, where they are varints, as signed 64-bit integers."""
        found = []
        for part, tag_bytes in self._parts:
            at = 0
            while at < len(part):
                value, at = _varint(part, at + tag_bytes, len(part))
                found.append(signed(value))
        return found


def read(content: bytes, message: Message) -> Read:
    """Return a message.

    Raises:
        RefusedError: it is cut short, has an unknown field, or has one twice.
    """
    return _Reader(content).message(0, len(content), message)


def signed(value: int) -> int:
    """Return a varint as the signed 64-bit integer that it stands for."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._view = memoryview(content)
        self._patterns: dict[tuple[int, bytes], re.Pattern[bytes]] = {}

    def message(self, start: int, end: int, message: Message) -> Read:
        found: Read = {}
        at = start
        while at < end:
            tag_at = at
            tag, at = _varint(self._view, at, end)
            what = message.get(tag >> 3)
            if what is None:
                raise RefusedError(f"It has a field that is not allowed here: number {tag >> 3}.")
            if what.name in found and not what.many:
                raise RefusedError(f"It has the field {what.name} twice.")
            if what.many and what.wire != BYTES:
                numbers = found.setdefault(what.name, Numbers())
                at = self._numbers(numbers, what, tag & 7, (tag_at, at, end))
                continue
            if tag & 7 != what.wire:
                raise RefusedError(f"Its field {what.name} is of another type.")
            value, at = self._value(at, end, what)
            if what.many:
                found.setdefault(what.name, []).append(value)
            else:
                found[what.name] = value
        return found

    def _value(self, at: int, end: int, what: Field) -> tuple[Any, int]:
        if what.wire == VARINT:
            return _varint(self._view, at, end)
        width = _WIDTHS.get(what.wire)
        if width is None:
            width, at = _varint(self._view, at, end)
        if width > end - at:
            raise _cut_short()
        if what.message is None:
            return self._view[at : at + width], at + width
        return self.message(at, at + width, what.message), at + width

    def _numbers(
        self, numbers: Numbers, what: Field, wire: int, place: tuple[int, int, int]
    ) -> int:
        """Add what stands behind a tag: one block, or numbers with the same tag before each."""
        tag_at, at, end = place
        if wire == BYTES:
            length, at = _varint(self._view, at, end)
            if length > end - at:
                raise _cut_short()
            start, stop, tag = at, at + length, b""
        elif wire == what.wire:
            start, stop, tag = tag_at, end, self._content[tag_at:at]
        else:
            raise RefusedError(f"Its field {what.name} is of another type.")
        reached = self._pattern(what.wire, tag).match(self._content, start, stop)
        last = reached.end() if reached else start
        if (last != stop) if wire == BYTES else (last == start):
            raise _cut_short()
        numbers.add(self._view[start:last], what.wire, len(tag))
        return last

    def _pattern(self, wire: int, tag: bytes) -> re.Pattern[bytes]:
        if (wire, tag) not in self._patterns:
            # Possessive, so that millions of numbers are passed in no memory.
            pattern = b"(?:" + re.escape(tag) + _NUMBER[wire] + b")*+"
            self._patterns[wire, tag] = re.compile(pattern, re.DOTALL)
        return self._patterns[wire, tag]


def _varint(view: memoryview, at: int, end: int) -> tuple[int, int]:
    value = 0
    for place in range(min(_LONGEST_VARINT, end - at)):
        byte = view[at + place]
        value |= (byte & 127) << 7 * place
        if byte < _LAST:
            return value, at + place + 1
    raise _cut_short()


def _cut_short() -> RefusedError:
    return RefusedError("It is cut short or damaged.")
