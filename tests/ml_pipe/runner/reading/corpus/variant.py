"""A variant of how people write a table, and its right reading: values, or a refusal's words."""

from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

ROWS = 24
"""Of each table, unless a variant says otherwise."""


@dataclass(frozen=True)
class Variant:
    """A file and what is right to read from it."""

    name: str
    content: bytes
    reads: dict[str, Any] = field(default_factory=dict)
    """The inputs and the target, by name, each a cycle of values in the right types: int is an
    integer column, float a number, str a category or text, datetime a moment in UTC."""
    refused: str = ""
    """Words of the refusal; empty: the file is read."""
    options: dict[str, Any] = field(default_factory=dict)
    target: str = "y"
    file: str = "table.csv"
    left_out: tuple[str, ...] = ()
    noted: str = ""
    """Words that stand in the notes."""
    signature: dict[str, dict[str, str]] = field(default_factory=dict)
    """What the signature says of a column, by its name: unit, form, time_zone, header."""
    rows: int = ROWS


def cycled(values: list[Any], rows: int = ROWS) -> list[Any]:
    """Return as many values, from the first on and again."""
    return list(islice(cycle(values), rows))


LABELS = ["u", "v"]


def text(
    columns: dict[str, list[str]],
    *,
    separator: str = ",",
    rows: int = ROWS,
    end: str = "\n",
    encoding: str = "utf-8",
) -> bytes:
    """Return a text file of columns, each a cycle of cells as they are written."""
    lines = [separator.join(columns)]
    cells = [cycled(column, rows) for column in columns.values()]
    lines += [separator.join(row) for row in zip(*cells, strict=True)]
    return (end.join(lines) + end).encode(encoding)


def column(cells: list[str], **how: Any) -> bytes:
    """Return a text file with these cells under `a`, and labels under `y`."""
    return text({"a": cells, "y": LABELS}, **how)


def one(name: str, cells: list[str], right: list[Any] | str, **more: Any) -> Variant:
    """Return a variant of one column `a`, between semicolons: its right values, or a refusal."""
    content = column(cells, separator=";", rows=more.get("rows", ROWS))
    if isinstance(right, str):
        return Variant(name, content, refused=right, **more)
    return Variant(name, content, reads={"a": right, "y": LABELS}, **more)
