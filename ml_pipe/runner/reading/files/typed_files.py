"""Files that say what their cells are: Parquet, Feather, JSON, spreadsheets."""

import datetime as dt
import io
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import feather
from python_calamine import CalamineError, CalamineWorkbook

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.arrays.array_files import read_archive
from ml_pipe.runner.reading.files.file_kinds import FileKind
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.raw_table import NAMELESS, RawTable, typed_table


def read_typed(raw: bytes, kind: FileKind, path: Path, options: ReadingOptions) -> RawTable:
    """Return the table of a file whose cells have types.

    Raises:
        TableError: it is damaged, or holds no table; or one that is nested.
    """
    try:
        if kind is FileKind.PARQUET:
            return typed_table(pd.read_parquet(io.BytesIO(raw)), [])
        if kind is FileKind.FEATHER:
            return typed_table(feather.read_table(io.BytesIO(raw)).to_pandas(), [])
        if kind is FileKind.ARRAYS:
            return read_archive(raw)
        if kind is FileKind.SPREADSHEET:
            return _of_spreadsheet(raw, options)
        return _of_records(_json_lines(raw) if kind is FileKind.JSON_LINES else _json(raw))
    except (pa.ArrowException, OSError, ValueError, CalamineError) as error:
        reason = str(error).strip().rstrip(".").replace("\n", " ")
        raise TableError(f'"{path}" cannot be read as {kind.value} ({reason}).') from error


def _json(raw: bytes) -> list[Any]:
    read = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_record)
    if not isinstance(read, list):
        raise TableError(
            "The JSON holds no list of records: write it with "
            'table.to_json(path, orient="records", date_format="iso").'
        )
    return read


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise TableError(f'A record of the JSON has "{twice}" twice: keep one.')
    return record


def _json_lines(raw: bytes) -> list[Any]:
    # Nothing else ends a line of JSON: a text may hold U+2028.
    lines = raw.decode("utf-8-sig").split("\n")
    records = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                records.append(json.loads(line, object_pairs_hook=_record))
            except ValueError as error:
                raise TableError(
                    f"Line {number} of the JSON lines is no JSON ({error})."
                ) from error
    return records


def _of_records(records: list[Any]) -> RawTable:
    if len(records) == 1 and _is_of_columns(records[0]):
        records = [None]
    names: dict[str, None] = {}
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise TableError(
                f"Record {number} of the JSON is no row: write the table with "
                'table.to_json(path, orient="records", date_format="iso").'
            )
        names.update(dict.fromkeys(record))
    return _of_cells({name: [record.get(name) for record in records] for name in names}, [])


def _is_of_columns(document: object) -> bool:
    """Return whether a document is no record but holds whole columns, as pandas writes them."""
    return isinstance(document, dict) and any(isinstance(v, dict | list) for v in document.values())


def _of_spreadsheet(raw: bytes, options: ReadingOptions) -> RawTable:
    book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    filled = [name for name, grid in sheets.items() if len(grid) > 1]
    if options.sheet and options.sheet not in sheets:
        raise TableError(f'There is no sheet "{options.sheet}": there are {", ".join(sheets)}.')
    if not options.sheet and len(filled) > 1:
        raise TableError(
            f"The spreadsheet has several sheets ({', '.join(filled)}): say which, as in "
            f"sheet={filled[0]}."
        )
    if not options.sheet and not filled:
        raise TableError("The spreadsheet is empty: it needs a header and rows.")
    name = options.sheet or filled[0]
    notes = [f'Read from the sheet "{name}".'] if len(sheets) > 1 else []
    return _of_grid(
        [row for row in sheets[name] if any(cell != "" for cell in row)], options, notes
    )


def _of_grid(grid: list[list[Any]], options: ReadingOptions, notes: list[str]) -> RawTable:
    width = max(map(len, grid), default=0)
    lead = next(
        (n for n, row in enumerate(grid) if sum(cell != "" for cell in row) > min(1, width - 2)), 0
    )
    if lead:
        notes.append(f'{lead} row{"s" * (lead > 1)} above the table left out: "{grid[0][0]}".')
    header, rows = grid[lead] if grid else [], grid[lead + 1 :]
    if options.header == "no":
        rows = grid[lead:]
        header = [f"column_{place + 1}" for place in range(width)]
    elif not options.header and not all(isinstance(c, str) or _is_year(c) for c in header):
        raise TableError(
            "The first row of the sheet looks like a row and not like the names of columns: say "
            "header=no, or header=yes if these are the names."
        )
    cells: dict[str, list[Any]] = {}
    for place, raw_name in enumerate(header):
        name = str(int(raw_name)) if _is_year(raw_name) else str(raw_name)
        values = [_cell(row[place]) if place < len(row) else None for row in rows]
        if not name.strip():
            if all(value is None for value in values):
                continue
            if place:
                raise TableError(f"Column {place + 1} of the sheet has no name: name it.")
            name = NAMELESS.format(0)
        if name in cells:
            raise TableError(f'The table has several columns "{name}": rename all but one.')
        cells[name] = values
    return _of_cells(cells, notes)


def _is_year(cell: object) -> bool:
    return isinstance(cell, float) and cell.is_integer()


def _cell(value: Any) -> Any:
    return None if value == "" else value


def _of_cells(cells: dict[str, list[Any]], notes: list[str]) -> RawTable:
    columns, as_written = {}, set()
    for name, values in cells.items():
        columns[name] = _series(name, values)
        if columns[name] is None:
            # Numbers and texts in one column: as a text file would hold them.
            columns[name] = pd.Series([_as_text(value) for value in values], dtype="str")
            as_written.add(name)
    frame = pd.DataFrame(columns)
    if frame.empty:
        raise TableError("The table is empty: it needs a header and rows.")
    return typed_table(frame, notes, frozenset(as_written))


def _series(name: str, values: list[Any]) -> "pd.Series[Any] | None":  # noqa: PLR0911 - one a type
    """Return cells of one type as a column of it; None where they are of several."""
    values = [None if isinstance(v, float) and math.isnan(v) else v for v in values]
    types = {type(value) for value in values if value is not None}
    if types == {list}:
        # Arrays, if all are of numbers and of one shape.
        return pd.Series(values, dtype=object)
    if types & {dict, list, tuple}:
        raise TableError(
            f'The column "{name}" holds objects, or lists beside other values: make a column of '
            "each of their parts, or leave them out of the file."
        )
    if types <= {str}:
        return pd.Series(values, dtype="str")
    if types == {bool}:
        return pd.Series(values, dtype="boolean")
    if types <= {int, float} and all(v is None or abs(v) < 2**63 for v in values):
        if all(v is None or float(v).is_integer() for v in values):
            return pd.Series([None if v is None else int(v) for v in values], dtype="Int64")
        return pd.Series(values, dtype="float64")
    if types <= {dt.datetime, dt.date}:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object)).astype("datetime64[us]"))
    return None


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
