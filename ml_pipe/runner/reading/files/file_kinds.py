"""What a file is, by its first bytes and then its name; and the kinds that nobody reads here."""

from enum import Enum
from pathlib import Path

from ml_pipe.runner.errors import TableError


class FileKind(Enum):
    """The kinds of files that hold a table."""

    TEXT = "text"
    PARQUET = "Parquet"
    FEATHER = "Feather"
    JSON_LINES = "JSON lines"
    JSON = "JSON"
    SPREADSHEET = "spreadsheet"
    ARRAYS = "an archive of NumPy arrays"


PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""How files begin that are packed, and what they are packed with."""

SUFFIXES = frozenset(
    [
        ".csv",
        ".tsv",
        ".tab",
        ".txt",
        ".dat",
        ".data",
        ".psv",
        ".parquet",
        ".pq",
        ".feather",
        ".arrow",
        ".json",
        ".jsonl",
        ".ndjson",
        ".xlsx",
        ".xlsm",
        ".xls",
        ".ods",
        ".npz",
    ]
)
"""Those of tables, in lower case, that a folder or an archive may hold."""

_SPREADSHEETS = frozenset({".xlsx", ".xlsm", ".xls", ".ods", ".xlsb"})
_MAGIC = (
    (b"PAR1", FileKind.PARQUET),
    (b"ARROW1", FileKind.FEATHER),
    (b"FEA1", FileKind.FEATHER),
    (b"\xd0\xcf\x11\xe0", FileKind.SPREADSHEET),
)
_EXPORT = "export it as CSV in UTF-8, or as Parquet"
_FOREIGN_MAGIC = (
    (b"SQLite format 3", "a SQLite database", "write the query's result as CSV or Parquet"),
    (b"\x89HDF", "an HDF5 file", "read it with pandas.read_hdf and write it with to_parquet"),
    (b"ORC", "an ORC file", "read it with pandas.read_orc and write it with to_parquet"),
    (b"Obj\x01", "an Avro file", _EXPORT),
    (
        b"\x93NUMPY",
        "a NumPy array",
        'give its columns names, as in numpy.savez("table.npz", image=images, label=labels)',
    ),
    (b"\x80\x04\x95", "a pickle, which can run code when it is opened", "write it with to_parquet"),
    (b"\x80\x05\x95", "a pickle, which can run code when it is opened", "write it with to_parquet"),
    (b"%PDF", "a PDF", _EXPORT),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"RDX", "an R workspace", "write the table with write.csv(table, row.names=FALSE)"),
    (b"$FL2", "an SPSS file", _EXPORT),
    (b"HEADER RECORD", "a SAS transport file", _EXPORT),
    (b"<stata_dta>", "a Stata file", _EXPORT),
    (b"\x89PNG", "a picture", "give the table itself"),
    (b"\xff\xd8\xff", "a picture", "give the table itself"),
)
_FOREIGN_SUFFIXES = {
    ".pkl": _FOREIGN_MAGIC[5][1:],
    ".pickle": _FOREIGN_MAGIC[5][1:],
    ".dta": ("a Stata file", _EXPORT),
    ".sav": ("an SPSS file", _EXPORT),
    ".sas7bdat": ("a SAS file", _EXPORT),
    ".rds": ("an R object", "write the table with write.csv(table, row.names=FALSE)"),
    ".arff": ("an ARFF file", _EXPORT),
    ".h5": ("an HDF5 file", _EXPORT),
    ".tar": ("a tar archive", "unpack it"),
}


def kind_of(raw: bytes, path: Path) -> FileKind:
    """Return what an unpacked file is.

    Args:
        raw: its bytes.
        path: its name without the suffix of what it was packed with.

    Raises:
        TableError: it is something that is not read here; the sentence names it.
    """
    suffix = path.suffix.lower()
    for magic, kind in _MAGIC:
        if raw.startswith(magic):
            return kind
    if suffix in _SPREADSHEETS and raw.startswith(b"PK"):
        return FileKind.SPREADSHEET
    if suffix == ".npz" and raw.startswith(b"PK"):
        return FileKind.ARRAYS
    for magic, what, instead in _FOREIGN_MAGIC:
        if raw.startswith(magic):
            raise foreign(path, what, instead)
    if suffix in _FOREIGN_SUFFIXES:
        raise foreign(path, *_FOREIGN_SUFFIXES[suffix])
    if raw[257:262] == b"ustar":
        raise foreign(path, "a tar archive", "unpack it")
    return _kind_of_text(raw, suffix, path)


def _kind_of_text(raw: bytes, suffix: str, path: Path) -> FileKind:
    start = raw[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if suffix in {".jsonl", ".ndjson"} or start[:1] == b"{":
        first = start.split(b"\n", 1)[0].rstrip()
        is_lines = suffix in {".jsonl", ".ndjson"} or (first.endswith(b"}") and len(first) > 1)
        return FileKind.JSON_LINES if is_lines else FileKind.JSON
    if suffix == ".json" or start[:2] in {b"[{", b"[ ", b"[\n", b"[\r"}:
        return FileKind.JSON
    lower = start[:200].lower()
    if lower.startswith((b"<!doctype html", b"<html", b"<table")):
        raise foreign(path, "an HTML page", "download the file itself, " + _EXPORT)
    if lower.startswith(b"<?xml"):
        raise foreign(path, "an XML file", _EXPORT)
    if lower.startswith(b"@relation"):
        raise foreign(path, "an ARFF file", _EXPORT)
    if lower.startswith(b"version https://git-lfs"):
        raise foreign(path, "a pointer of Git LFS and not the file itself", "run git lfs pull")
    return FileKind.TEXT


def foreign(path: Path, what: str, instead: str) -> TableError:
    """Return the error of a file that is not read here."""
    return TableError(f'"{path}" is {what}, which is not read here: {instead}.')
