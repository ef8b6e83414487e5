"""What a user says of a table's file, where the file leaves it open."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ml_pipe.runner.errors import TableError
from model_store.schema.texts import normalised

OddCells = Literal["refuse", "missing"]
DateOrder = Literal["", "day-first", "month-first"]
Header = Literal["", "yes", "no"]
Decimal = Literal["", ".", ","]

_SEPARATORS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "blank": " "}


class ReadingOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of a user; each empty one is made from the file alone."""

    encoding: str = ""
    """Of a text file, as Python names it: cp1251, latin-1."""
    bad_bytes: Literal["refuse", "replace"] = "refuse"
    """Bytes that are no text in the encoding: refuse the file, or put U+FFFD in their place."""
    separator: str = ""
    """One character between the values of a text file; "tab" and "space" by name."""
    comment: str = ""
    """What begins a line that is no row."""
    header: Header = ""
    """Whether the first line names the columns; no: they are column_1, column_2 ..."""
    sheet: str = ""
    """Of a spreadsheet with several."""
    decimal: Decimal = ""
    """What separates decimals where a column can be read with both."""
    date_order: DateOrder = ""
    """How dates are read that have day and month in either order."""
    time_zone: str = ""
    """The IANA zone of times without an offset; empty: UTC."""
    missing_words: tuple[str, ...] = ()
    """Words that mean "missing" in every column, the target among them."""
    odd_cells: OddCells = "refuse"
    """Cells that are no number in a column of numbers: refuse the table, or take as missing."""
    read_as: tuple[str, ...] = ()
    """Columns and how to read them, each `name:reading`; see `reading_of`."""
    arrays: tuple[str, ...] = ()
    """Columns that are joined to arrays, or shaped: see `ml_pipe.runner.reading.arrays`."""
    leave_out: tuple[str, ...] = ()
    """Columns that the model must not see."""
    keep: tuple[str, ...] = ()
    """Columns that are inputs even if they look like identifiers or constants."""

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the options among a notebook's parameters; others are ignored.

        Raises:
            TableError: one cannot have this value.
        """
        given: dict[str, Any] = {}
        for name in cls.__struct_fields__:
            value = parameters.get(name)
            if value is None or value == "":
                continue
            given[name] = value if isinstance(value, str) else tuple(value)
        for name, choices in _CHOICES.items():
            if name in given and given[name] not in choices:
                shown = " or ".join(f'"{choice}"' for choice in choices if choice)
                raise TableError(f'{name}="{given[name]}" is no choice: say {shown}.')
        if "separator" in given:
            given["separator"] = _separator(given["separator"])
        if zone := given.get("time_zone"):
            _check_zone(zone)
        for name in ("leave_out", "keep"):
            if name in given:
                given[name] = tuple(map(normalised, given[name]))
        return cls(**given)

    def reading_of(self, name: str) -> str:
        """Return how a column is to be read: one of `READINGS`, a date's pattern, or nothing."""
        for entry in self.read_as:
            if entry.startswith(f"{name}:"):
                return entry[len(name) + 1 :].strip()
        return ""

    def check_readings(self, names: Sequence[str]) -> None:
        """Check that `read_as` names columns and readings that are there.

        Raises:
            TableError: one is not.
        """
        for entry in self.read_as:
            reading = next((self.reading_of(n) for n in names if entry.startswith(f"{n}:")), None)
            if reading is None or (reading not in READINGS and "%" not in reading):
                raise TableError(
                    f'read_as="{entry}" is not understood: write column:reading, with a reading of '
                    f"{', '.join(READINGS)}, or a date's pattern such as %d/%m/%Y."
                )


_CHOICES = {
    name: get_args(kind)
    for name, kind in get_type_hints(ReadingOptions).items()
    if get_origin(kind) is Literal
}

READINGS = (
    "text",
    "decimal-point",
    "decimal-comma",
    "day-first",
    "month-first",
    "epoch-s",
    "epoch-ms",
)
"""What `read_as` knows beside patterns of dates."""


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise TableError(
            f'There is no time zone "{name}": name it as IANA does, as in Europe/Berlin or UTC.'
        ) from None


def _separator(text: str) -> str:
    separator = _SEPARATORS.get(text.lower(), text)
    if len(separator) != 1 or separator in '"\r\n':
        raise TableError(
            f'separator="{text}" is none: it is one character, or "tab", or "space" for any blanks.'
        )
    return separator
