"""Secrets that nobody chose: made at random, and kept where only the service's user can read."""

import contextlib
import os
import secrets
from pathlib import Path


def ensure_secret(folder: Path, name: str) -> str:
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
    # Written beside and linked: nobody ever finds it empty, and of two starts one wins.
    beside = folder / f".{name}.{os.getpid()}"
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(beside)
    finally:
        beside.unlink()
    return path.read_text(encoding="ascii").strip()
