"""Secrets that nobody chose: made at random, and kept where only the service's user can read."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path


def random_secret() -> str:
    """Return a secret that nobody can guess: 32 characters."""
    return secrets.token_urlsafe(24)


def ensure_secret(folder: Path, name: str, make: Callable[[], str] = random_secret) -> str:
    """Return a secret from its file, made first if it is not there, or empty.

    Raises:
        OSError: the file can be neither read nor made.
    """
    path = folder / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if secret := path.read_text(encoding="ascii").strip():
            return secret
        path.unlink()
    # Linked, not renamed: of two starts the first one's secret stays.
    made = _beside(path, make(), 0o600)
    with made as beside, contextlib.suppress(FileExistsError):
        path.hardlink_to(beside)
    return path.read_text(encoding="ascii").strip()


def replace_secret(secret: str, path: Path) -> None:
    """Write a secret in place of the one that was there.

    Raises:
        OSError: the file cannot be written.
    """
    with _beside(path, secret, 0o600) as beside:
        beside.replace(path)


def copy_secret(secret: str, path: Path) -> None:
    """Copy a secret to a folder whose every reader may know it, as of a shared volume.

    Raises:
        OSError: the file cannot be written.
    """
    with _beside(path, secret, 0o444) as beside:
        beside.replace(path)


@contextlib.contextmanager
def _beside(path: Path, secret: str, mode: int) -> Iterator[Path]:
    """Write a secret beside its file: nobody ever finds that one empty."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        # Whatever the umask leaves of it.
        os.fchmod(descriptor, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        beside.unlink(missing_ok=True)
