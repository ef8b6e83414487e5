"""A version as one file: a ZIP of its bundle, byte for byte, its seal included."""

import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import msgspec

from model_store import bundle, files
from model_store.errors import ModelStoreError, NotFoundError, RefusedError
from model_store.seals.seal import SEAL

_BUNDLE = (bundle.MANIFEST, bundle.GOLDEN, bundle.REFERENCE, bundle.CARD)
NAMES = frozenset({*_BUNDLE, *bundle.ESTIMATOR_FILES.values(), bundle.COMPILED, SEAL})
"""The files that a bundle may have, besides those of boosted trees."""
_LARGEST = 8 * 2**30
_MOST_OF_TEXT = 64 * 2**20
_ANY_DAY = (1980, 1, 1, 0, 0, 0)
"""So that the same version makes the same bytes."""


class _Named(msgspec.Struct):
    model: str
    version: str


class Parcel(NamedTuple):
    """A version's files, as they were read; nothing of them is checked yet."""

    model: str
    version: str
    contents: dict[str, bytes]
    """By name; the manifest is among them, the seal where there is one."""


def pack(folder: Path, model: str, version: str, file: Path) -> int:
    """Write an undamaged version to a new ZIP file; return the size in bytes.

    Raises:
        NotFoundError: there is no such version.
        RefusedError: it is damaged, or the file is there already.
        OSError: the file cannot be written.
    """
    _, contents, _ = bundle.read_all(folder, model, version)
    contents |= {bundle.MANIFEST: files.read(folder / bundle.MANIFEST)}
    if os.path.lexists(folder / SEAL):
        contents[SEAL] = files.read(folder / SEAL)
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise RefusedError(f"{file} is there already: name a file that is not.") from error
    try:
        with (
            os.fdopen(descriptor, "wb") as target,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, content in sorted(contents.items()):
                archive.writestr(zipfile.ZipInfo(name, _ANY_DAY), content, zipfile.ZIP_DEFLATED)
        return file.stat().st_size
    except BaseException:
        # It was made above.
        file.unlink(missing_ok=True)
        raise


def is_parcel(path: Path) -> bool:
    """Return whether a file or a folder is a version's bundle."""
    if path.is_dir():
        return (path / bundle.MANIFEST).is_file() and (path / bundle.GOLDEN).is_file()
    try:
        with zipfile.ZipFile(path) as archive:
            return {bundle.MANIFEST, bundle.GOLDEN} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def unpack(path: Path) -> Parcel:
    """Return the version in a ZIP file, or in a folder.

    Raises:
        RefusedError: it holds something else than a bundle, or cannot be read.
    """
    try:
        contents = _of_folder(path) if path.is_dir() else _of_archive(path)
        named = msgspec.json.decode(contents[bundle.MANIFEST], type=_Named)
    except ModelStoreError:
        raise
    except Exception as error:
        # zlib and zipfile have errors of their own.
        raise RefusedError(f"{path.name} is no whole bundle ({error}): export it again.") from error
    return Parcel(named.model, named.version, contents)


def _of_archive(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        _check_names([entry.filename for entry in entries])
        return {entry.filename: _content(archive, entry) for entry in entries}


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    most = _most(entry.filename)
    # The header may say another size than there is.
    with archive.open(entry) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise RefusedError(f"{entry.filename} is larger than any such file.")
    return content


def _of_folder(path: Path) -> dict[str, bytes]:
    names = [each.name for each in path.iterdir() if not each.name.startswith(".")]
    _check_names(names)
    try:
        return {name: files.read(path / name, _most(name)) for name in names}
    except NotFoundError as error:
        raise RefusedError(f"{path.name} changed meanwhile: look again.") from error


def _check_names(names: list[str]) -> None:
    odd = [name for name in names if name not in NAMES and not bundle.NATIVE_NAME.fullmatch(name)]
    if odd or len(set(names)) < len(names):
        raise RefusedError("It holds other files than a bundle has: export it again.")


def _most(name: str) -> int:
    is_text = name in {*_BUNDLE, SEAL}
    return _MOST_OF_TEXT if is_text else _LARGEST
