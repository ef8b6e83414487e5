"""The keys of clients, as a running service knows them: a change of the file counts at once."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from api.auth.key_file import KEY_FILE, Key, KeyFileError, hash_of, id_of, read_keys
from api.auth.key_usage import KeyUsage
from api.http.fields import Fields
from api.http.problems import LimitReached
from api.observe.structured_log import StructuredLog

_LOOK_SECONDS = 0.5
"""How often the file is looked for changes."""


class Client:
    """Who sent a request, by a key."""

    __slots__ = ("_usage", "key")

    def __init__(self, key: Key, usage: KeyUsage) -> None:
        self.key = key
        self._usage = usage

    def take_rows(self, rows: int) -> None:
        """Count rows that are to be predicted.

        Raises:
            LimitReached: they are more than are left of the day's.
        """
        if wait := self._usage.take_rows(self.key, rows):
            raise LimitReached(f"This key may predict {self.key.rows_per_day} rows a day.", wait)


class Keys:
    """The keys of a service.

    Args:
        local_data: Where their file is.
        clock: Returns the time, in seconds.
        events: Where it is written that the file has changed or cannot be used.
    """

    def __init__(
        self, local_data: Path, clock: Callable[[], float], events: StructuredLog | None = None
    ) -> None:
        self._folder = local_data
        self._path = local_data / KEY_FILE
        self._clock = clock
        self._events = events
        self._look_at = 0.0
        self._seen: object = None
        self._keys: dict[str, Key] = {}
        self._usage: KeyUsage | None = None

    def has_role(self, role: str) -> bool:
        """Return whether there is a key that opens the routes of a role."""
        self._look()
        if not self._keys:
            return False
        now = datetime.now(UTC)
        return any(key.role == role and key.is_valid(now) for key in self._keys.values())

    def client(self, text: str) -> Client | None:
        """Return whose key a text is; None if it is no valid one.

        Raises:
            LimitReached: this key has sent too many requests.
        """
        self._look()
        key = self._keys.get(id_of(text))
        if (
            key is None
            or not hmac.compare_digest(hash_of(text), key.hash)
            or not key.is_valid(datetime.now(UTC))
        ):
            return None
        usage = self._usage = self._usage or KeyUsage(self._folder)
        if wait := usage.take_request(key):
            rate = f"{key.requests_per_second:g} requests a second"
            raise LimitReached(f"This key may send {rate}.", wait)
        return Client(key, usage)

    def _look(self) -> None:
        if self._clock() < self._look_at:
            return
        self._look_at = self._clock() + _LOOK_SECONDS
        try:
            found = self._path.stat()
            seen: object = (found.st_ino, found.st_mtime_ns, found.st_size)
        except OSError as error:
            seen = error.errno
        if seen == self._seen:
            return
        first, self._seen = self._seen is None, seen
        try:
            self._keys = {key.id: key for key in read_keys(self._path)}
        except KeyFileError as error:
            # Those of before stay: a slip in the file must not lock all clients out.
            if self._events:
                self._events.error("keys-unreadable", reason=str(error))
            return
        if self._events and not first:
            valid = sum(key.is_valid(datetime.now(UTC)) for key in self._keys.values())
            self._events.info("keys-changed", valid=valid)


def sent_key(fields: Fields) -> str | None:
    """Return the key that a request brings; None if it brings none.

    `X-API-Key` is looked at first: a proxy may use `Authorization` for itself.
    """
    if b"x-api-key" in fields:
        return fields[b"x-api-key"].decode("latin-1").strip()
    if b"authorization" not in fields:
        return None
    scheme, _, token = fields[b"authorization"].partition(b" ")
    return token.decode("latin-1").strip() if scheme.lower() == b"bearer" else None
