"""The column by which rows are split: read with the table, and set aside from what is learnt."""

from dataclasses import dataclass
from typing import Self

import pandas as pd
from msgspec.structs import replace

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.options import ReadingOptions

KINDS = ("time", "group", "predefined")


def split_kind(split: str) -> tuple[str, str]:
    """Return how rows are split and by which column: as in "time:day"; "random" has none.

    Raises:
        TableError: it is none of them.
    """
    kind, _, column = split.strip().partition(":")
    if (kind == "random" and not column) or (kind in KINDS and column):
        return kind, column.strip()
    raise TableError(
        f'There is no split "{split}": write random, time:<column>, group:<column> or '
        "predefined:<column>."
    )


@dataclass(frozen=True)
class SplitColumn:
    """A column that says how rows are split."""

    name: str
    """Empty where the split is random."""
    is_input: bool
    """Whether the model learns from it, too: a date, unless it was to be left out."""

    @classmethod
    def of(cls, split: str, options: ReadingOptions) -> Self:
        """Return the column that a split names.

        Raises:
            TableError: there is no such split.
        """
        kind, name = split_kind(split)
        return cls(name, kind == "time" and name not in options.leave_out)

    def kept(self, options: ReadingOptions) -> ReadingOptions:
        """Return options that leave the column in, until the rows are cleaned."""
        if not self.name:
            return options
        others = tuple(name for name in options.leave_out if name != self.name)
        return replace(options, leave_out=others, keep=(*options.keep, self.name))

    def set_aside(
        self, table: pd.DataFrame, left_out: dict[str, str]
    ) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Return a table without the column, and the column; it is named among the left out."""
        if not self.name or self.is_input or self.name not in table:
            return table, None
        left_out[self.name] = "the rows are split by it"
        return table.drop(columns=self.name), table[[self.name]]
