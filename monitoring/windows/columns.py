"""The columns of a window, and how JSON values become numbers in it.

| kind              | number                                                                 |
| ----------------- | ---------------------------------------------------------------------- |
| integer, number   | the value                                                              |
| boolean, category | its place among the reference's categories; the next number for those  |
|                   | seen in training but too rarely to be named; the one after for unseen  |
| datetime          | seconds since 1970, UTC                                                |
| string            | how many characters it has                                             |
| array             | four columns of numbers, its summaries: `image.mean` and its like      |

A missing value is NaN; one that the log holds as a hash is infinite, and never published.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from monitoring.array_summaries import SUMMARIES, ArraySummaries
from monitoring.log.database.views import Side, ViewColumn
from monitoring.log.privacy import is_hash
from monitoring.windows.reference import CATEGORICAL, Reference, read_reference

Numbers = npt.NDArray[np.float64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Moments = list[datetime | None]
_UNKNOWN = -1.0
_NO_RANGE = (np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class WindowColumn:
    """A column that a window holds."""

    name: str
    kind: str
    side: Side
    reference: Reference
    codes: Mapping[object, float] = field(default_factory=dict)
    """The numbers of a category's or boolean's values."""
    unnamed: float = 0.0
    """The number of a category that has none of its own."""
    ends: tuple[float, float] = _NO_RANGE
    """The least and the greatest value of all that training saw; NaN where they are not known."""
    source: str = ""
    """Of a summary: the column of arrays."""
    summary: str = ""
    """Which of `SUMMARIES` it is."""
    summaries: ArraySummaries | None = None
    """What computes it, one for all summaries of a column."""

    @property
    def key(self) -> str:
        """The name of its values in a logged row."""
        return self.source or self.name

    def numbers(self, values: Sequence[Any]) -> Numbers:
        """Return the numbers of JSON values, `(rows,)`.

        Raises:
            ValueError: one is neither a value of the column's kind nor a hash.
        """
        try:
            return self._numbers(values)
        except ValueError:
            hidden = [is_hash(value) for value in values]
            if not any(hidden):
                raise
        found = self._numbers(
            [None if hide else value for value, hide in zip(values, hidden, strict=True)]
        )
        found[hidden] = np.inf
        return found

    def summarised(self, values: Sequence[Any]) -> Numbers:
        """Return all summaries of the arrays of its source, `(summaries, rows)`.

        Raises:
            ValueError: one is neither an array of this column nor a hash.
        """
        if self.summaries is None:
            raise ValueError(f"The column {self.name!r} is no summary.")
        hidden = [is_hash(value) for value in values]
        clear = [None if hide else value for value, hide in zip(values, hidden, strict=True)]
        found = self.summaries.read(clear)
        found[:, hidden] = np.inf
        return found

    def _numbers(self, values: Sequence[Any]) -> Numbers:
        """Return the numbers of values in clear; raise ValueError where there is another."""
        if self.summaries is not None:
            return np.asarray(self.summarised(values)[SUMMARIES.index(self.summary)])
        if self.kind in CATEGORICAL:
            return self._coded(values)
        if self.kind == "datetime":
            return _moments(values)
        if self.kind == "string":
            values = [None if value is None else _length(value) for value in values]
        return np.array(values, np.float64)

    def _coded(self, values: Sequence[Any]) -> Numbers:
        codes = self.codes
        found = np.array([codes.get(value, _UNKNOWN) for value in values], np.float64)
        unknown = found == _UNKNOWN
        for place in np.flatnonzero(unknown).tolist():
            value = values[place]
            if self.kind == "boolean" or not isinstance(value, str) or is_hash(value):
                raise ValueError(f"The log holds no {self.kind} in the column {self.name!r}.")
        found[unknown] = self.unnamed
        return found


def window_columns(
    columns: Iterable[ViewColumn],
    profiles: Mapping[str, Any],
    *,
    seen: Mapping[str, Collection[str]] | None = None,
    ranges: Mapping[str, tuple[Any, Any]] | None = None,
    leave_out: Collection[str] = (),
) -> tuple[WindowColumn, ...]:
    """Return the columns of a version's window, in the order given.

    Args:
        columns: the version's inputs and outputs.
        profiles: its reference profile, by column.
        seen: all categories of a column, from the signature: so that those that the profile does
            not name differ from those that training never saw. Without it, they count as rare
            ones where the profile counted any.
        ranges: the minimum and maximum JSON value of a column of numbers or dates, from the
            signature: it covers more rows than the profile, and decides what the service calls
            out of range. Without it, those of the profile.
        leave_out: the names of personal columns, which the log does not hold.
    """
    watched = [column for column in columns if column.name not in leave_out]
    taken = {column.name for column in watched}
    found: list[WindowColumn] = []
    for c in watched:
        if c.kind == "array":
            found += _summaries(c, profiles.get(c.name), taken)
        else:
            found.append(_column(c, profiles.get(c.name), (seen or {}).get(c.name)))
    ranges = ranges or {}
    return tuple(_with_ends(c, ranges[c.name]) if c.name in ranges else c for c in found)


def profile_of(column: WindowColumn, profiles: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the part of a profile that a column is compared with; None: there is none."""
    found: Mapping[str, Any] | None = profiles.get(column.key)
    if found is not None and column.summary:
        found = found.get("summaries", {}).get(column.summary)
    return found


def _summaries(
    column: ViewColumn, profile: Mapping[str, Any] | None, taken: Collection[str]
) -> list[WindowColumn]:
    """Return the summaries of a column of arrays; none where training left no profile of it."""
    if profile is None or "basis" not in profile:
        return []
    summaries = ArraySummaries.of_profile(profile["basis"])
    return [
        WindowColumn(
            name if (name := f"{column.name}.{summary}") not in taken else f"{name}_",
            "number",
            column.side,
            read_reference(profile["summaries"][summary], "number"),
            source=column.name,
            summary=summary,
            summaries=summaries,
        )
        for summary in SUMMARIES
    ]


def _column(
    column: ViewColumn, profile: Mapping[str, Any] | None, seen: Collection[str] | None
) -> WindowColumn:
    reference = read_reference(profile, column.kind)
    codes: dict[object, float] = {}
    unnamed = 0.0
    if column.kind in CATEGORICAL:
        places: dict[object, float] = {
            name: float(place) for place, name in enumerate(reference.categories)
        }
        other = float(len(places))
        if column.kind == "boolean":
            texts = {True: "true", False: "false"}
            # The one that training never saw is unseen.
            codes = {value: places.get(text, other + 1) for value, text in texts.items()}
        else:
            codes = {**dict.fromkeys(seen or (), other), **places}
        codes[None] = np.nan
        may_be_rare = seen is None and reference.counts[-2] > 0
        unnamed = other if may_be_rare else other + 1
    return WindowColumn(column.name, column.kind, column.side, reference, codes, unnamed)


def _with_ends(column: WindowColumn, ends: tuple[Any, Any]) -> WindowColumn:
    least, greatest = column.numbers(ends).tolist()
    return replace(column, ends=(least, greatest))


def _moments(values: Sequence[Any]) -> Numbers:
    # What it raises is a ValueError.
    moments = msgspec.convert(values, _Moments)
    return np.array([m and (m - _EPOCH).total_seconds() for m in moments], np.float64)


def _length(value: Any) -> int:
    if not isinstance(value, str) or is_hash(value):
        raise ValueError("The log holds no text in the column.")
    return len(value)
