"""Table files: CSV, whatever its separator and encoding, and Parquet, as pandas tables."""

import csv
import gzip
import io
import itertools
import re
import statistics
import warnings
from pathlib import Path

import pandas as pd

from ml_pipe.runner.errors import TableError


def load_table(path: Path) -> pd.DataFrame:
    """Return the table of a CSV or Parquet file.

    Raises:
        TableError: there is no such file, it is unreadable, or it holds no rows.
    """
    if not path.is_file():
        raise TableError(f'There is no file "{path}": give the path of a CSV or Parquet file.')
    try:
        raw = path.read_bytes()
        if raw.startswith(b"PAR1"):
            table = pd.read_parquet(io.BytesIO(raw))
        else:
            table = read_csv(gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw)
    except (OSError, EOFError, ValueError, csv.Error, pd.errors.ParserWarning) as error:
        reason = str(error).strip().rstrip(".").replace("\n", " ")
        raise TableError(
            f'The table "{path}" cannot be read ({reason}): it must be Parquet, or CSV with one '
            "header line and as many values in each row."
        ) from error
    if table.empty:
        raise TableError(f'The table "{path}" is empty: it needs a header and rows.')
    if not isinstance(table.index, pd.RangeIndex):
        # A named index that Parquet kept is a column to everyone but pandas.
        table = table.reset_index(drop=table.index.name is None)
    return table


def read_csv(raw: bytes) -> pd.DataFrame:
    """Return the table that a CSV file's bytes hold, with types that know of missing values.

    Raises:
        TableError: a column has no name, or shares it with another.
        ValueError, csv.Error: it is no table at all.
    """
    text = decode_text(raw)
    separator = separator_of(text)
    names = next(csv.reader(io.StringIO(text), delimiter=separator), [])
    if "" in names:
        raise TableError(
            f"Column {names.index('') + 1} of the table has no name: name it, or write the table "
            "without its index."
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(f'The table has several columns "{repeated[0]}": rename all but one.')
    has_decimal_commas = separator == ";" and re.search(r"(?m)(^|;)-?\d+,\d+(;|\r?$)", text)
    with warnings.catch_warnings():
        # Rows that are longer than the header would lose their end with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # Nullable types keep whole numbers and booleans what they are where some are missing.
        return pd.read_csv(
            io.StringIO(text),
            sep=separator,
            decimal="," if has_decimal_commas else ".",
            dtype_backend="numpy_nullable",
            index_col=False,
            low_memory=False,
        )


def decode_text(raw: bytes) -> str:
    """Return a file's bytes as text.

    Raises:
        TableError: they are no text in an encoding that we know.
    """
    is_utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if is_utf16 else ("utf-8-sig", "cp1252"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise TableError(
        "The table is neither Parquet nor text in a known encoding: save it as CSV in UTF-8, or as "
        "Parquet."
    )


def separator_of(text: str) -> str:
    """Return the separator that splits the first lines of a CSV text into most columns."""
    lines = list(itertools.islice(io.StringIO(text), 50))

    def columns(separator: str) -> float:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        # Decimal commas, too, split most rows, but not the header.
        return min(widths[0], statistics.median_low(widths)) if widths else 0

    return max(",;\t|", key=columns)
