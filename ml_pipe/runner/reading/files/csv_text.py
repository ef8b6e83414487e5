"""The rows of a text file, each cell as it was written."""

import io
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.files.csv_layout import ANY_BLANKS, Layout, layout_of, records_of
from ml_pipe.runner.reading.files.encoding import as_utf8
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.raw_table import NAMELESS, RawTable, proper_names

_SINGLE_QUOTED = re.compile(r"'[^']+'")
LONGEST_CELL = 16_000_000
"""Bytes; a block of the parser, which a record must fit into."""
_WIDE = 4
"""From so many columns on, a cell that holds a whole row has swallowed it."""


def read_text(raw: bytes, options: ReadingOptions) -> RawTable:
    """Return the table of a text file.

    Raises:
        TableError: it is no table, or can be read in more than one way.
    """
    text, notes = as_utf8(raw, options)
    if options.comment:
        mark = re.escape(options.comment.encode())
        text = re.sub(rb"(?m)^[ \t]*" + mark + rb"[^\r\n]*(\r\n|\r|\n|$)", b"", text)
    layout = layout_of(text, options)
    notes += layout.notes
    # No copy: a file may be as large as half of the memory.
    body = memoryview(text)[layout.start : _end(text)]
    table = (
        _by_records(body, layout)
        if _is_special(layout)
        else _by_arrow(body, layout, has_quotes=b'"' in text)
    )
    if not table.num_rows:
        raise TableError("The table is empty: it needs a header and rows.")
    _check_quotes(table, text, layout)
    _check_headers_below(table, layout)
    table, raw_names = _named(table, layout.names, notes)
    names, headers = proper_names(raw_names)
    if all(_SINGLE_QUOTED.fullmatch(name) for name in names):
        headers = dict(zip((name[1:-1].strip() for name in names), raw_names, strict=True))
        names, _ = proper_names([name[1:-1] for name in names])
        notes.append("The single quotes around the names of the columns were left out.")
    frame = table.rename_columns(names).to_pandas()
    headers |= {n: "" for n in names if n == NAMELESS.format(0) and layout.names[0] == ""}
    return RawTable(frame, frozenset(names), headers, layout.separator, notes)


def _end(text: bytes) -> int:
    """Return where the last line ends that is not blank: a table may end with blank ones."""
    end = len(text)
    while end:
        start = max(text.rfind(b"\n", 0, end - 1), text.rfind(b"\r", 0, end - 1)) + 1
        if text[start:end].strip(b" \t\r\n\x1a"):
            return end
        end = start
    return end


def _is_special(layout: Layout) -> bool:
    return layout.separator == ANY_BLANKS or layout.blanks_before_quotes


def _by_arrow(body: memoryview, layout: Layout, *, has_quotes: bool) -> pa.Table:
    names = [str(place) for place in range(len(layout.names))]
    odd: list[Any] = []

    def note(row: Any) -> str:
        odd.append((row.number, row.actual_columns, "\n" in row.text.rstrip("\r\n")))
        return "skip"

    def read(*, use_threads: bool) -> pa.Table:
        return csv.read_csv(
            pa.BufferReader(body),
            read_options=csv.ReadOptions(
                column_names=names, use_threads=use_threads, block_size=LONGEST_CELL
            ),
            parse_options=csv.ParseOptions(
                delimiter=layout.separator,
                newlines_in_values=has_quotes,
                invalid_row_handler=note,
                ignore_empty_lines=True,
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )

    if not body:
        raise TableError("The table is empty: it needs a header and rows.")
    try:
        table = read(use_threads=True)
        if odd:
            odd.clear()
            read(use_threads=False)
            raise _ragged(odd, len(names))
    except pa.ArrowInvalid as error:
        raise TableError(f"The text of the table cannot be read ({error}).") from error
    return table


def _by_records(body: memoryview, layout: Layout) -> pa.Table:
    """Return a table whose values stand apart by blanks, or quoted behind a blank."""
    lines = io.StringIO(bytes(body).decode("utf-8"), newline="")
    rows = [record for record, _ in records_of(list(lines), layout.separator)]
    width = len(layout.names)
    odd = [(n, len(row), False) for n, row in enumerate(rows, 1) if len(row) != width]
    if odd:
        raise _ragged(odd, width)
    columns = zip(*rows, strict=True) if rows else [[]] * width
    arrays = [pa.array(column, pa.large_string()) for column in columns]
    return pa.table(arrays, names=[str(place) for place in range(width)])


def _ragged(odd: list[Any], width: int) -> TableError:
    if swallowed := [number for number, _, has_lines in odd if has_lines]:
        raise _not_closed(swallowed[0])
    shown = ", ".join(f"row {number} has {count}" for number, count, _ in odd[:4])
    more = f" and {len(odd) - 4} more rows" if len(odd) > 4 else ""  # noqa: PLR2004 - see above
    return _not_as_many(f"the header has {width}, {shown}{more}")


def _not_as_many(reason: str) -> TableError:
    return TableError(
        f"The rows have not as many values in each row ({reason}): quote values that hold the "
        "separator, remove lines that are no rows (comment=# leaves out those that begin with it), "
        "or name another separator=."
    )


def _check_quotes(table: pa.Table, text: bytes, layout: Layout) -> None:
    """Check that no quote that was never closed has swallowed the rows below it."""
    if b'"' not in text:
        return
    if re.search(rb'[^\\]\\"[^\r\n' + re.escape(layout.separator.encode()) + rb'"]', text):
        raise TableError(
            'The text has quotes behind backslashes (\\"), which CSV does not know: write them '
            'doubled, as in "a ""quoted"" word".'
        )
    is_odd = text.count(b'"') % 2 == 1
    width = table.num_columns
    if not is_odd and width < _WIDE:
        return
    separator = re.escape(layout.separator) if layout.separator != ANY_BLANKS else r"\s"
    row = rf"[\r\n][^\r\n{separator}]*(?:{separator}[^\r\n{separator}]*){{{width - 1}}}"
    for place in range(width):
        found = pc.match_substring_regex(table.column(place), row)
        if pc.any(found).as_py():
            first = pc.index(found, True).as_py() + 1
            raise _not_closed(first)


def _check_headers_below(table: pa.Table, layout: Layout) -> None:
    """Check that no row repeats the header, as where several files were joined.

    Raises:
        TableError: one does.
    """
    names = [name.strip() for name in layout.names]
    is_header = None
    for place, name in enumerate(names):
        same = pc.equal(table.column(place), name)
        is_header = same if is_header is None else pc.and_(is_header, same)
        if not pc.any(is_header).as_py():
            return
    if sum(map(bool, names)) > 1:
        row = pc.index(is_header, True).as_py() + 1
        raise TableError(
            f"Row {row} repeats the header, as in files that were joined: remove it, and check "
            "that the rows below are of the same table."
        )


def _not_closed(row: int) -> TableError:
    return TableError(
        f"A quote is opened in row {row} and not closed, so that it holds the rows below: close "
        "it, or double it where it is part of the text."
    )


def _named(table: pa.Table, names: list[str], notes: list[str]) -> tuple[pa.Table, list[str]]:
    """Return a table without columns that are wholly empty and have no name, and its names."""
    kept = []
    for place, name in enumerate(names):
        if name.strip():
            kept.append((place, name))
        elif _is_empty(table.column(place)):
            notes.append(f"Column {place + 1}, which has no name and no values, was left out.")
        elif place == 0:
            kept.append((place, NAMELESS.format(0)))
        else:
            raise TableError(f"Column {place + 1} of the table has no name: name it.")
    return table.select([place for place, _ in kept]), [name for _, name in kept]


def _is_empty(column: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.equal(pc.utf8_trim_whitespace(column), "")).as_py())
