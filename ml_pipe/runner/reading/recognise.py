"""`recognise`: what each column of a raw table holds, by its own cells, or why that is in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from msgspec.structs import replace

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.arrays.array_column import read_array_column
from ml_pipe.runner.reading.arrays.joined_columns import joined, read_joined
from ml_pipe.runner.reading.columns.left_out import reason_to_leave_out
from ml_pipe.runner.reading.columns.plain_numbers import PlainNumbers, plain_numbers
from ml_pipe.runner.reading.columns.reading import Reading
from ml_pipe.runner.reading.columns.sentinels import sentinel_note
from ml_pipe.runner.reading.columns.text_cells import Context, check_totals, has_texts, text_cells
from ml_pipe.runner.reading.columns.text_column import TextColumn
from ml_pipe.runner.reading.columns.typed_column import read_typed_column
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.raw_table import RawTable
from model_store.schema.signature import Column, Kind, Signature


@dataclass(frozen=True)
class Recognised:
    """A table whose columns have types, and what was found out on the way."""

    table: pd.DataFrame
    """`(rows, columns)`, without those that were left out."""
    readings: dict[str, Reading]
    headers: dict[str, str]
    left_out: dict[str, str]
    """Why a column was left out, by its name."""
    notes: list[str]

    def described(self, signature: Signature, target: str | Sequence[str]) -> Signature:
        """Return a signature that says how its table wrote the columns, and which it ignores."""
        return replace(
            signature,
            inputs=tuple(map(self._described, signature.inputs)),
            outputs=tuple(replace(c, unit=self._read(c.name).unit) for c in signature.outputs),
            ignored=self.ignored(target),
        )

    def _described(self, column: Column) -> Column:
        read = self._read(column.name)
        header = self.headers.get(column.name, "")
        if column.kind is not Kind.DATETIME:
            return replace(column, unit=read.unit, header=header)
        return replace(column, form=read.form, time_zone=read.time_zone, header=header)

    def _read(self, name: str) -> Reading:
        # A column that `transform` made stands in no file.
        return self.readings.get(name) or Reading(self.table.iloc[:, 0])

    def ignored(self, target: str | Sequence[str]) -> tuple[str, ...]:
        """Return what a request may hold and the model does not use, in all of its spellings."""
        names = [*([target] if isinstance(target, str) else target), *self.left_out]
        spellings = [s for n in names for s in (n, self.headers.get(n, n))]
        return tuple(dict.fromkeys(spellings))


def recognise(
    raw: RawTable,
    target: str | Sequence[str],
    options: ReadingOptions,
    expected: Signature | None = None,
) -> Recognised:
    """Return a table whose columns have the types that their cells show.

    Args:
        raw: the table as its file holds it.
        target: the column to predict, or several.
        options: what the user says of the file.
        expected: the signature of the model's last version: its inputs stay inputs.

    Raises:
        TableError: a column holds odd cells, or can be read in two ways.
    """
    targets = [target] if isinstance(target, str) else target
    frame = raw.frame
    names = [str(name) for name in frame.columns]
    options.check_readings(names)
    before = {c.name: c for c in expected.inputs} if expected else {}
    used = [name for name in names if name not in options.leave_out]
    plain = {name: found for name in used if (found := _plain(raw, name, options)) is not None}
    arrays = {
        name: read
        for name in used
        if name not in plain
        and options.reading_of(name) != "text"
        and (read := read_array_column(frame[name], as_written=name in raw.as_written))
    }
    cells = {
        name: text_cells(frame[name], options, as_written=name in raw.as_written)
        for name in used
        if name not in plain and name not in arrays and has_texts(frame[name])
    }
    check_totals(list(cells.values()), options)
    context = Context.of(
        list(cells.values()),
        has_points=any(each.has_points for each in plain.values()),
        separator=raw.separator,
    )
    readings = {
        name: arrays[name]
        if name in arrays
        else TextColumn(cells[name], options, context, before.get(name), name in targets).reading()
        if name in cells
        else read_typed_column(
            plain[name].series(frame.index).rename(name) if name in plain else frame[name],
            options,
            is_target=name in targets,
        )
        for name in used
    }
    if missing := [name for name in targets if name not in readings]:
        raise TableError(f'The target "{missing[0]}" is among leave_out: leave another column out.')
    readings = joined(readings, read_joined(options.arrays), targets)
    for read in readings.values():
        if note := sentinel_note(read.series):
            read.notes.append(note)
    left_out = dict.fromkeys(options.leave_out, "you asked for it")
    for name, read in readings.items():
        if name in targets or name in options.keep or name in before:
            continue
        reason = reason_to_leave_out(name, read.series)
        if not reason and expected and name in expected.ignored:
            reason = "the last version left it out"
        if reason:
            left_out[name] = reason
    if not set(readings) - set(left_out) - set(targets):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise TableError(
            f"The table has no column to learn from, as all were left out ({reasons}): keep= keeps "
            "one all the same."
        )
    kept = {name: read for name, read in readings.items() if name not in left_out}
    return Recognised(
        # No copy: it would be a second table.
        table=pd.DataFrame(
            {name: read.series for name, read in kept.items()}, index=frame.index, copy=False
        ),
        readings=kept,
        headers=raw.headers,
        left_out=left_out,
        notes=[*raw.notes, *_notes(kept)],
    )


def _plain(raw: RawTable, name: str, options: ReadingOptions) -> PlainNumbers | None:
    """Return a column's numbers where neither its cells nor the user leave anything to decide."""
    if name not in raw.as_written or options.reading_of(name) or options.missing_words:
        return None
    return plain_numbers(raw.frame[name])


def _notes(readings: dict[str, Reading]) -> list[str]:
    notes = [f"{name}: {note}." for name, read in readings.items() for note in read.notes]
    missing = {name: read.missing for name, read in readings.items() if read.missing}
    return [*notes, *(f"{name}: {words} taken for missing." for name, words in missing.items())]
