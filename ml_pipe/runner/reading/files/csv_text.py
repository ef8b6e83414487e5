"""The rows of a text file, each cell as it was written."""

import io
import re
import warnings
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.files.csv_layout import ANY_BLANKS, Layout, layout_of
from ml_pipe.runner.reading.files.encoding import as_utf8
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.raw_table import NAMELESS, RawTable, proper_names

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
    body = memoryview(text)[layout.start :]
    table = (
        _by_pandas(body, layout)
        if _is_special(layout)
        else _by_arrow(body, layout, has_quotes=b'"' in text)
    )
    if not table.num_rows:
        raise TableError("The table is empty: it needs a header and rows.")
    _check_quotes(table, text, layout)
    table, raw_names = _named(table, layout.names, notes)
    names, headers = proper_names(raw_names)
    frame = table.rename_columns(names).to_pandas()
    headers |= {n: "" for n in names if n == NAMELESS.format(0) and layout.names[0] == ""}
    return RawTable(frame, frozenset(names), headers, notes)


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


def _by_pandas(body: memoryview, layout: Layout) -> pa.Table:
    names = [str(place) for place in range(len(layout.names))]
    separator = r"\s+" if layout.separator == ANY_BLANKS else layout.separator
    try:
        with warnings.catch_warnings():
            # Rows that are longer than the header would lose their end with no more than a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.BytesIO(body),
                sep=separator,
                header=None,
                names=names,
                index_col=False,
                dtype=str,
                keep_default_na=False,
                na_filter=True,
                na_values=[],
                skipinitialspace=True,
                low_memory=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        raise _not_as_many(str(error).strip().replace("\n", " ")) from error
    if frame.isna().to_numpy().any():
        row = int(frame.isna().any(axis=1).to_numpy().argmax()) + 1
        raise _not_as_many(f"row {row} has fewer than {len(names)}")
    return pa.Table.from_pandas(frame, preserve_index=False)


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
