"""What a skops file may be, before anything is inflated: an archive of a known size."""

import io
import zipfile

from model_store.errors import RefusedError

_MOST_ENTRIES = 200_000
_FACTOR, _MARGIN = 20, 64 * 2**20
"""So many times the file's size, and so many bytes more, may come out of it."""


def check_archive(stored: bytes) -> None:
    """See that an archive inflates to no more than a small multiple of its own size.

    Raises:
        RefusedError: it does, or it is no such archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(stored)) as archive:
            entries = archive.infolist()
            _check(entries, _FACTOR * len(stored) + _MARGIN)
            for entry in entries:
                # A sparse matrix is an archive in the archive.
                if entry.filename.endswith(".npz"):
                    with archive.open(entry) as file, zipfile.ZipFile(file) as inner:
                        _check(inner.infolist(), _FACTOR * len(stored) + _MARGIN)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise RefusedError(
            f"The skops file cannot be loaded here ({error}): publish it again."
        ) from error


def _check(entries: list[zipfile.ZipInfo], most: int) -> None:
    if len(entries) > _MOST_ENTRIES or len({each.filename for each in entries}) < len(entries):
        raise ValueError("it has too many entries, or one twice")
    if any(
        each.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for each in entries
    ):
        raise ValueError("it is compressed in an unknown way")
    if any(each.flag_bits & 1 for each in entries):
        raise ValueError("it is encrypted")
    # `zipfile` reads no more of an entry than it says here.
    if sum(each.file_size for each in entries) > most:
        raise ValueError("it is far larger than its archive")
