"""The keys of clients, as they are kept: their hashes alone, in a file that one user can read."""

import hashlib
import os
import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

KEY_FILE = Path("secrets") / "keys.json"
"""Below `local_data`."""
MARK = "mlk"
"""What every key begins with, so that a scanner of secrets knows it."""
MAX_KEYS = 1_000
VALID_AT_ONCE = 2
"""Of one name: the one in use, and the one that replaces it."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FORMAT = 1
_TEXT = re.compile(rf"{MARK}_([0-9a-f]{{12}})_[A-Za-z0-9_-]{{43}}")


class KeyFileError(Exception):
    """The file of keys cannot be used, or a key cannot be made; the sentence says what to do."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key of a client."""

    id: str
    """Its public part, which finds it: 12 hexadecimal digits."""
    name: str
    """Whose it is."""
    role: Literal["predict", "metrics", "admin"]
    hash: str
    """The SHA-256 of the whole key, whose secret part has 256 random bits."""
    slot: int
    """The place of its counts; see `api.auth.key_usage`."""
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    requests_per_second: float | None = None
    rows_per_day: int | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the key opens something."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    keys: tuple[Key, ...]


def hash_of(text: str) -> str:
    """Return the hash by which a key is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def id_of(text: str) -> str:
    """Return the public part of a key; empty if the text cannot be one."""
    found = _TEXT.fullmatch(text)
    return found[1] if found else ""


def new_key_text() -> str:
    """Return a new key; nobody can show it again."""
    return f"{MARK}_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file; none if there is no file.

    Raises:
        KeyFileError: the file cannot be read, or is no file of keys.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise KeyFileError(f"{path.name} cannot be read ({error.strerror}).") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise KeyFileError(f"{path.name} is no file of keys: restore it from a backup.") from error
    if found.format != _FORMAT:
        raise KeyFileError(f"{path.name} is of another version of the service.")
    return found.keys


def write_keys(path: Path, keys: tuple[Key, ...]) -> None:
    """Replace the keys of a file, which only its user can read.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    content = msgspec.json.format(msgspec.json.encode(_File(_FORMAT, keys)))
    try:
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
