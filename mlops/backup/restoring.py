"""Puts a backup in the place of a service's files: all of it, or nothing."""

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from mlops.backup.archive import FOLDERS, LOG, BackupError, Contents, check_log, chunks, opened
from model_store import bundle
from model_store.errors import ModelStoreError
from model_store.file_store import FileModelStore
from model_store.store import LoadPolicy
from monitoring.log.database.lock import LogLock
from monitoring.log.errors import LogLockedError

PARTS = (LOG, *FOLDERS)


def restore(
    file: Path, local_data: Path, *, stamp: str, replace: bool
) -> tuple[Contents, Path | None]:
    """Restore a backup; return what it holds, and where the files before it are now, if any.

    Args:
        file: the backup.
        local_data: the service's folder; the service must be stopped.
        stamp: names the folder for the files that were there.
        replace: whether there may be some.

    Raises:
        BackupError: it is not whole, there are files already, or a service runs.
    """
    local_data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = LogLock(local_data / LOG)
    staged = local_data / f".restoring-{os.getpid()}"
    try:
        lock.acquire()
        there = _present(local_data)
        if there and not replace:
            raise BackupError(
                f"{local_data} holds {', '.join(there)} already: restore into another folder "
                "(LOCAL_DATA), or say --replace, which keeps them beside."
            )
        contents = _stage(file, staged)
        kept = local_data / f"before-restore-{stamp}" if there else None
        _swap(staged, local_data, there, kept)
    except LogLockedError as error:
        raise BackupError(
            "The service is running: stop it, restore, and start it again. Nothing was changed."
        ) from error
    except OSError as error:
        raise BackupError(f"The backup cannot be restored ({error}).") from error
    finally:
        lock.release()
        shutil.rmtree(staged, ignore_errors=True)
    return contents, kept


def damaged_versions(store: FileModelStore) -> list[str]:
    """Return the versions of a store whose files are not those that were published."""
    damaged = []
    for model in store.models():
        for version in store.versions(model):
            try:
                bundle.read_all(store.version_folder(model, version), model, version)
            except (ModelStoreError, OSError):
                damaged.append(f"{model} {version}")
    return damaged


def _present(local_data: Path) -> list[str]:
    """Return which of the parts hold something; a folder of locks alone does not."""
    found = [name for name in FOLDERS if any((local_data / name).rglob("[!.]*"))]
    return [*([LOG] if (local_data / LOG).exists() else []), *found]


def _stage(file: Path, staged: Path) -> Contents:
    """Unpack a backup beside, each file checked while it is written, and the whole afterwards."""
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    with opened(file) as (archive, contents):
        for entry in contents.files:
            path = staged / entry.name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as target:
                for chunk in chunks(archive, entry):
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
    for folder in (staged, *filter(Path.is_dir, staged.rglob("*"))):
        folder.chmod(0o700)
    if (staged / LOG).exists():
        check_log(staged / LOG)
    if damaged := damaged_versions(FileModelStore(staged / "models", LoadPolicy())):
        raise BackupError(f"The backup holds damaged versions: {', '.join(damaged)}.")
    return contents


def _swap(staged: Path, local_data: Path, there: Sequence[str], kept: Path | None) -> None:
    """Move what was there aside, and what was restored in; back again if that fails."""
    moved: list[tuple[Path, Path]] = []
    try:
        if kept:
            kept.mkdir(mode=0o700)
            # With what SQLite keeps beside the log: it belongs to that one.
            beside = [f"{LOG}-wal", f"{LOG}-shm"] if LOG in there else []
            for name in (*there, *beside):
                _move(local_data / name, kept / name, moved)
        for name in PARTS:
            target = local_data / name
            if (staged / name).exists():
                if target.is_dir() and not target.is_symlink():
                    # Nothing but locks, or a volume's own folder.
                    for each in (staged / name).iterdir():
                        _move(each, target / each.name, moved)
                else:
                    _move(staged / name, target, moved)
    except OSError:
        for source, target in reversed(moved):
            shutil.move(target, source)
        raise


def _move(source: Path, target: Path, moved: list[tuple[Path, Path]]) -> None:
    if not source.exists():
        return
    try:
        source.rename(target)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EBUSY}:
            raise
        # A volume of its own is mounted at one of them.
        if source.is_dir():
            target.mkdir(mode=0o700, exist_ok=True)
            for each in source.iterdir():
                _move(each, target / each.name, moved)
            return
        shutil.move(source, target)
    moved.append((source, target))
