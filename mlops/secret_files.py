"""Secrets that nobody chose: made at random, and kept where only the service's user can read."""

import os
import secrets
from pathlib import Path


def ensure_secret(folder: Path, name: str) -> str:
    """Return a secret from its file, made first if it is not there.

    Raises:
        OSError: the file can be neither read nor made.
    """
    path = folder / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        secret = secrets.token_urlsafe(24)
        file.write(secret + "\n")
    return secret
