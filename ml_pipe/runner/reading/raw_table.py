"""A table as its file holds it, before anybody says what its columns are."""

from dataclasses import dataclass, field

import pandas as pd

from ml_pipe.runner.errors import TableError
from model_store.schema.texts import normalised


@dataclass(frozen=True)
class RawTable:
    """What a file holds."""

    frame: pd.DataFrame
    """`(rows, columns)`, columns named by their trimmed headers."""
    as_written: frozenset[str] = frozenset()
    """The columns that hold the text of each cell as it was written, numbers among them: all of a
    text file. The others are typed: what Parquet, JSON or a spreadsheet says."""
    headers: dict[str, str] = field(default_factory=dict)
    """The raw header of each column whose name differs from it."""
    separator: str = ""
    """Of a text file."""
    notes: list[str] = field(default_factory=list)
    """How the file was read, where it could have been otherwise; sentences."""


NAMELESS = "Unnamed: {}"
"""How pandas names a column without a name, by its place."""


def as_raw(table: "pd.DataFrame | RawTable") -> RawTable:
    """Return a table of the user's own making as one that a typed file holds."""
    return table if isinstance(table, RawTable) else typed_table(table, [])


def typed_table(
    frame: pd.DataFrame, notes: list[str], as_written: frozenset[str] = frozenset()
) -> RawTable:
    """Return a table whose columns have types, but for those named `as_written`.

    Raises:
        TableError: two columns have one name.
    """
    if not isinstance(frame.index, pd.RangeIndex):
        # A named index that Parquet kept is a column to everyone but pandas.
        if frame.index.name is None and frame.index.nlevels == 1 and frame.index.dtype.kind != "i":
            notes = [*notes, "The index of the table has no name: it was left out."]
        frame = frame.reset_index(drop=frame.index.name is None and frame.index.nlevels == 1)
    names, headers = proper_names([str(name) for name in frame.columns])
    written = frozenset(map(normalised, as_written))
    return RawTable(frame.set_axis(names, axis=1), written, headers, notes=notes)


def proper_names(raw: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the trimmed names of headers, and the raw header of each that differs.

    Raises:
        TableError: two have one name.
    """
    names = [normalised(name) for name in raw]
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            first = names.index(name)
            raise TableError(
                f'The table has several columns "{name}" (columns {first + 1} and {place + 1}): '
                "rename all but one."
            )
        seen.add(name)
    return names, {n: r for n, r in zip(names, raw, strict=True) if n != r}
