"""What commits have left in the write-ahead log, and when it is time to move it on."""

from time import monotonic

AFTER_SECONDS = 0.5
AGAIN_SECONDS = 1.0
"""How often it is tried to cut a write-ahead log that a reader made long."""
# Some six pages are written anew by every commit, however little it stores.
_COMMIT_BYTES = 50_000


class Backlog:
    """What is in the write-ahead log and not in the database file, by estimate.

    A checkpoint holds commits up for some milliseconds, however little there is to move. Where it
    comes often, more than one request in a hundred waits for one; where it comes seldom, SQLite
    moves all of its share within a commit.

    Args:
        wal_bytes: From what length on it is time.
    """

    def __init__(self, wal_bytes: int) -> None:
        self._due_bytes = wal_bytes
        self._bytes = 0
        self._is_long = False
        self._moved = monotonic()

    def __bool__(self) -> bool:
        """Return whether there is anything to move, or to cut."""
        return self._bytes > 0 or self._is_long

    @property
    def is_due(self) -> bool:
        """Whether a checkpoint should come now."""
        waited = monotonic() - self._moved
        if self._bytes > self._due_bytes or (self._bytes > 0 and waited > AFTER_SECONDS):
            return True
        return self._is_long and waited > AGAIN_SECONDS

    def add(self, changed_bytes: int) -> None:
        """Count a commit that stored or removed so many bytes."""
        self._bytes += _COMMIT_BYTES + changed_bytes

    def clear(self) -> None:
        """Forget what is about to be moved."""
        self._bytes = 0
        self._moved = monotonic()

    def note(self, *, is_long: bool) -> None:
        """Note whether the write-ahead log is longer than its share."""
        self._is_long = is_long
