"""What commits have left in the write-ahead log, and when it is time to move it on."""

from time import monotonic

AFTER_SECONDS = 0.5
AFTER_BYTES = 32_000_000
# Some six pages are written anew by every commit, however little it stores.
_COMMIT_BYTES = 50_000


class Backlog:
    """What is in the write-ahead log and not in the database file, by estimate.

    A checkpoint holds commits up for some milliseconds, however little there is to move. Where it
    comes often, more than one request in a hundred waits for one; where it comes seldom, SQLite
    moves 64 MB within a commit.
    """

    def __init__(self) -> None:
        self._bytes = 0
        self._moved = monotonic()

    def __bool__(self) -> bool:
        """Return whether there is anything to move."""
        return self._bytes > 0

    @property
    def is_due(self) -> bool:
        """Whether a checkpoint should come now."""
        waited = monotonic() - self._moved > AFTER_SECONDS
        return self._bytes > AFTER_BYTES or (self._bytes > 0 and waited)

    def add(self, text_bytes: int) -> None:
        """Count a commit with so many bytes of JSON texts."""
        self._bytes += _COMMIT_BYTES + text_bytes

    def clear(self) -> None:
        """Forget what is about to be moved."""
        self._bytes = 0
        self._moved = monotonic()
