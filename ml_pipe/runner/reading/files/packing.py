"""Packed files, unpacked; and the one fingerprint of a table, however many files hold it."""

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
from pathlib import Path, PurePosixPath

import pyarrow as pa

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.files.file_kinds import PACKED, SUFFIXES

_UNPACK = {"gzip": gzip.decompress, "xz": lzma.decompress, "bz2": bz2.decompress}
_SPREADSHEETS = frozenset({".xlsx", ".xlsm", ".ods", ".xlsb"})
_ZIP_OF_SPREADSHEET = frozenset({"[Content_Types].xml", "content.xml", "xl/workbook.xml"})


def unpacked(raw: bytes, path: Path) -> tuple[bytes, Path]:
    """Return the bytes of a file and its name, both without what it was packed with.

    Raises:
        TableError: it is damaged, or an archive of several tables.
    """
    method = next((name for magic, name in PACKED.items() if raw.startswith(magic)), "")
    if not method or (method == "zip" and path.suffix.lower() in _SPREADSHEETS):
        return raw, path
    try:
        if method == "zip":
            return _of_zip(raw, path)
        if method == "zstd":
            with pa.CompressedInputStream(io.BytesIO(raw), "zstd") as stream:
                return stream.read(), _inner_name(path)
        return _UNPACK[method](raw), _inner_name(path)
    except (
        OSError,
        EOFError,
        ValueError,
        lzma.LZMAError,
        zipfile.BadZipFile,
        RuntimeError,
    ) as error:
        raise TableError(
            f'"{path}" is packed with {method} and cannot be unpacked ({error}): copy it again, or '
            "give the unpacked file."
        ) from error


def parts_of(path: Path) -> list[Path]:
    """Return the files of a folder's table, in the order of their names.

    Raises:
        TableError: there are none, or of several kinds.
    """
    found = [
        each
        for each in sorted(path.rglob("*"))
        if each.is_file()
        and not each.name.startswith((".", "_"))
        and _bare_suffix(each) in SUFFIXES
    ]
    if not found:
        raise TableError(
            f'The folder "{path}" holds no table: give a file, or a folder of one table\'s parts.'
        )
    if len(kinds := sorted({_bare_suffix(each) for each in found})) > 1:
        raise TableError(
            f'The folder "{path}" holds files of several kinds ({", ".join(kinds)}): give one.'
        )
    return found


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a table's file, or of the parts that a folder holds; empty: no file."""
    if path.is_dir():
        names = "\n".join(f"{p.relative_to(path)} {_sha256(p)}" for p in parts_of(path))
        return hashlib.sha256(names.encode()).hexdigest()
    return _sha256(path) if path.is_file() else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_zip(raw: bytes, path: Path) -> tuple[bytes, Path]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = [i.filename for i in archive.infolist() if not i.is_dir()]
        if not _ZIP_OF_SPREADSHEET.isdisjoint(names):
            return raw, path.with_suffix(".xlsx" if "content.xml" not in names else ".ods")
        if names and all(name.endswith(".npy") for name in names):
            return raw, path.with_suffix(".npz")
        names = [n for n in names if not n.startswith("__MACOSX/") and not _is_hidden(n)]
        tables = [n for n in names if PurePosixPath(n).suffix.lower() in SUFFIXES] or names
        if len(tables) != 1:
            raise TableError(
                f'The archive "{path}" holds {len(tables)} files '
                f"({', '.join(tables[:5]) or 'none'}): unpack it, and give one file or folder."
            )
        return archive.read(tables[0]), Path(PurePosixPath(tables[0]).name)


def _is_hidden(name: str) -> bool:
    return PurePosixPath(name).name.startswith((".", "_"))


def _inner_name(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() in _PACKED_SUFFIXES else path


_PACKED_SUFFIXES = frozenset({".gz", ".gzip", ".xz", ".bz2", ".zst", ".zstd", ".zip"})


def _bare_suffix(path: Path) -> str:
    return _inner_name(path).suffix.lower()
