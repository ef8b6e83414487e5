"""`read_table`: the table of a file, or of a folder of parts, as it stands there."""

import re
from pathlib import Path

import pandas as pd

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.files.csv_text import read_text
from ml_pipe.runner.reading.files.file_kinds import FileKind, kind_of
from ml_pipe.runner.reading.files.packing import parts_of, unpacked
from ml_pipe.runner.reading.files.typed_files import read_typed
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.raw_table import RawTable

_PARTITION = re.compile(r"([^=/]+)=([^=/]+)")


def read_table(path: Path, options: ReadingOptions | None = None) -> RawTable:
    """Return the table of a file, or of a folder that holds its parts.

    Raises:
        TableError: there is no such file, it is no table, or it can be read in more than one way;
            the sentence says which, and what to do.
    """
    options = options or ReadingOptions()
    if path.is_dir():
        return _joined(path, [(part, _read_file(part, options)) for part in parts_of(path)])
    return _read_file(path, options)


def _read_file(path: Path, options: ReadingOptions) -> RawTable:
    if not path.is_file():
        raise TableError(
            f'There is no file "{path}": give the path of a table (CSV, Parquet, a spreadsheet, '
            "JSON), or of a folder of its parts."
        )
    try:
        raw, inner = unpacked(path.read_bytes(), path)
        kind = kind_of(raw, inner)
        read = (
            read_text(raw, options)
            if kind is FileKind.TEXT
            else read_typed(raw, kind, inner, options)
        )
    except TableError as error:
        if str(path) in str(error):
            raise
        raise TableError(f'"{path}" cannot be read. {error}') from error
    except OSError as error:
        raise TableError(f'"{path}" cannot be read ({error.strerror}).') from error
    if not len(read.frame):
        raise TableError(f'The table "{path}" is empty: it needs a header and rows.')
    return read


def _joined(folder: Path, parts: list[tuple[Path, RawTable]]) -> RawTable:
    first_path, first = parts[0]
    names, frames = list(first.frame.columns), []
    written = set(first.as_written)
    for path, part in parts:
        if set(part.frame.columns) != set(names):
            differing = sorted(set(part.frame.columns) ^ set(names))
            raise TableError(
                f'The parts of "{folder}" have other columns: {", ".join(differing[:5])} '
                f"stands only in one of {first_path.name} and {path.name}. Give one table."
            )
        frame = part.frame[names]
        keys = _PARTITION.findall(str(path.parent.relative_to(folder)))
        frames.append(frame.assign(**dict(keys)))
        written |= {key for key, _ in keys}
        if part.as_written != first.as_written:
            raise TableError(
                f'{first_path.name} and {path.name} of "{folder}" hold cells of other types.'
            )
    table = pd.concat(frames, ignore_index=True)
    notes = list(dict.fromkeys(note for _, part in parts for note in part.notes))
    notes.append(f"Read from {len(parts)} files, {first_path.name} to {parts[-1][0].name}.")
    return RawTable(table, frozenset(written), dict(first.headers), first.separator, notes)
