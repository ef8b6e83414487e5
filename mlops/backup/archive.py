"""A backup: a ZIP file of log, models and secrets, with the SHA-256 of each in `backup.json`."""

import contextlib
import hashlib
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import apsw
import msgspec

from model_store.files import sync_folder
from monitoring.log.database.file import connect_reader, reading

CONTENTS = "backup.json"
LOG = "predictions.sqlite"
FOLDERS = ("models", "secrets")
_FORMAT = 1
_CHUNK = 1024 * 1024
_MOST_FILES = 1_000_000
_MOST_CONTENTS_BYTES = 256 * 2**20
_HASH_DIGITS = 64


class BackupError(Exception):
    """A backup cannot be made, or is not whole; the sentence says why."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the backup."""

    name: str
    """Below `local_data`, with `/`."""
    size: int
    sha256: str


class Contents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in `backup.json`."""

    format: int = _FORMAT
    created: str
    """RFC 3339, UTC."""
    files: tuple[Entry, ...] = ()


def make(local_data: Path, file: Path, created: str) -> Contents:
    """Write a backup; the service may run. It is complete and verified, or it is not there.

    Raises:
        BackupError: it cannot be made; nothing is left behind.
    """
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    except FileExistsError as error:
        raise BackupError(f"{file} is there already: name a file that is not.") from error
    except OSError as error:
        raise BackupError(f"{file} cannot be made ({error.strerror}).") from error
    try:
        return _make(local_data, file, created)
    except BaseException:
        # It was made above, and is empty.
        file.unlink(missing_ok=True)
        raise


def _make(local_data: Path, file: Path, created: str) -> Contents:
    part = file.with_name(f".{file.name}.part")
    copy = file.with_name(f".{file.name}.log")
    try:
        with (
            _private(part) as target,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            entries = [_add(archive, path, name) for path, name in _files(local_data)]
            log = local_data / LOG
            if log.exists():
                _copy_log(log, copy)
                entries.append(_add(archive, copy, LOG))
            contents = Contents(created=created, files=tuple(filter(None, entries)))
            archive.writestr(CONTENTS, msgspec.json.encode(contents))
        verify(part)
        part.replace(file)
        sync_folder(file.parent)
    except (OSError, apsw.Error, zipfile.BadZipFile) as error:
        raise BackupError(f"The backup cannot be made ({error}).") from error
    finally:
        for each in (
            part,
            *(copy.with_name(copy.name + end) for end in ("", "-wal", "-shm", "-journal")),
        ):
            each.unlink(missing_ok=True)
    return contents


def verify(file: Path) -> Contents:
    """See that a backup holds what it says, every byte.

    Raises:
        BackupError: it does not.
    """
    with opened(file) as (archive, contents):
        for entry in contents.files:
            for _ in chunks(archive, entry):
                pass
    return contents


@contextlib.contextmanager
def opened(file: Path) -> Iterator[tuple[zipfile.ZipFile, Contents]]:
    """Open a backup whose list of files is right.

    Raises:
        BackupError: it is damaged, or holds what no backup does.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive, _contents(archive)
    except FileNotFoundError as error:
        raise BackupError(f"There is no file {file}.") from error
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BackupError(f"{file} is no whole backup ({error}).") from error


def chunks(archive: zipfile.ZipFile, entry: Entry) -> Iterator[bytes]:
    """Yield the content of a file of a backup, and at its end see that it was the right one.

    Raises:
        BackupError: it is another one.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(entry.name) as stream:
            # However much more it would inflate to.
            while size <= entry.size and (chunk := stream.read(_CHUNK)):
                size += len(chunk)
                digest.update(chunk)
                yield chunk
    except (KeyError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise BackupError(f"{entry.name} of the backup is damaged ({error}).") from error
    except Exception as error:
        # zlib has errors of its own.
        if isinstance(error, BackupError | GeneratorExit):
            raise
        raise BackupError(f"{entry.name} of the backup is damaged ({error}).") from error
    if size != entry.size or digest.hexdigest() != entry.sha256:
        raise BackupError(f"{entry.name} of the backup is not the file that was backed up.")


def check_log(path: Path) -> None:
    """See that a log is whole.

    Raises:
        BackupError: it is not.
    """
    try:
        with reading(path.resolve()) as connection:
            found = [str(text) for (text,) in connection.execute("PRAGMA integrity_check(5)")]
    except Exception as error:
        raise BackupError(f"The log cannot be read ({error}).") from error
    if found != ["ok"]:
        raise BackupError(f"The log is damaged: {'; '.join(found)}.")


def _contents(archive: zipfile.ZipFile) -> Contents:
    try:
        if archive.getinfo(CONTENTS).file_size > _MOST_CONTENTS_BYTES:
            raise BackupError(f"{CONTENTS} of the backup is too large to be one.")
        contents = msgspec.json.decode(archive.read(CONTENTS), type=Contents)
    except KeyError as error:
        raise BackupError(f"It has no {CONTENTS}: that is no backup of a service.") from error
    except msgspec.MsgspecError as error:
        raise BackupError(f"{CONTENTS} of the backup is damaged ({error}).") from error
    if contents.format != _FORMAT:
        raise BackupError(f"The backup has format {contents.format}, and {_FORMAT} is read here.")
    names = [entry.name for entry in contents.files]
    if len(names) > _MOST_FILES or len(set(names)) < len(names):
        raise BackupError(f"{CONTENTS} of the backup lists a file twice.")
    if sorted(archive.namelist()) != sorted([*names, CONTENTS]):
        raise BackupError("The backup holds other files than it lists.")
    for entry in contents.files:
        if not _is_ours(entry.name) or entry.size < 0 or len(entry.sha256) != _HASH_DIGITS:
            raise BackupError("The backup lists a file that no service has.")
    return contents


def _is_ours(name: str) -> bool:
    """Return whether a name is of a file that a backup holds, and of nothing outside."""
    path = PurePosixPath(name)
    if "\\" in name or "\0" in name or path.is_absolute() or str(path) != name:
        return False
    if {"..", "."} & set(path.parts):
        return False
    return name == LOG or (len(path.parts) > 1 and path.parts[0] in FOLDERS)


def _files(local_data: Path) -> Iterator[tuple[Path, str]]:
    """Yield the plain files to back up, with their names."""
    for folder in FOLDERS:
        root = local_data / folder
        # Aliases first: what they name was published before, and is found after.
        found = sorted(root.rglob("*"), key=lambda path: (path.name != "aliases.json", path))
        for path in found:
            name = path.relative_to(local_data)
            # Locks, and what is being written.
            if any(part.startswith(".") for part in name.parts):
                continue
            with contextlib.suppress(OSError):
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path, name.as_posix()


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> Entry | None:
    """Add a file; None: it is gone."""
    digest, size = hashlib.sha256(), 0
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return None
    with source, archive.open(name, "w", force_zip64=True) as target:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            digest.update(chunk)
            target.write(chunk)
    return Entry(name, size, digest.hexdigest())


def _copy_log(log: Path, copy: Path) -> None:
    """Copy a log as it is at one moment, whoever writes it, and see that the copy is whole."""
    copy.unlink(missing_ok=True)
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with (
        contextlib.closing(connect_reader(log.resolve())) as source,
        contextlib.closing(apsw.Connection(os.fspath(copy))) as target,
    ):
        with target.backup("main", source, "main") as backup:
            while not backup.done:
                # All at once: a step later begins anew when something was written meanwhile.
                backup.step(-1)
        # It is one file, and no writer stands beside it.
        target.execute("PRAGMA journal_mode = DELETE")
    check_log(copy)


@contextlib.contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """Make a file that only this user can read, through to the disk."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
