"""What the prediction log is asked to be: how durable, how private, how large."""

from dataclasses import dataclass, field
from typing import Literal

BUSINESS_METRIC_BYTES = 1_400_000
"""What the values that are kept of one business metric take, at most: half with a short name."""
SMALLEST_LOG_BYTES = 1024 * 1024
SMALLEST_KEY_BYTES = 16
_WAL_BYTES = 32_000_000
# One commit may go beyond any limit.
_COMMIT_BYTES = 100_000


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """The settings of a prediction log.

    Raises:
        ValueError: The options contradict each other; the sentence says what to change.
    """

    durability: Literal["normal", "full"] = "normal"
    """What an answered request survives: `normal` a killed service, `full` also lost power."""
    keep: Literal["full", "hashed", "none"] = "full"
    """What of inputs and outputs: as they are, every value as its HMAC, or nothing."""
    personal_fields: frozenset[str] = frozenset()
    """Names whose values are never stored in clear, in inputs, outputs, feedback and events."""
    key: bytes = field(default=b"", repr=False)
    """The key of HMAC-SHA256; the same key makes the same value recognisable."""
    retention_days: float | None = None
    max_bytes: int | None = None
    """The largest size of the log: of the database and its write-ahead log together."""

    @property
    def wal_bytes(self) -> int:
        """From what length on the write-ahead log is moved into the database."""
        return _WAL_BYTES if self.max_bytes is None else min(_WAL_BYTES, self.max_bytes * 2 // 9)

    @property
    def longest_wal_bytes(self) -> int:
        """What it may take in a while of many commits, where no reader needs more of it."""
        return self.wal_bytes * 3 // 2

    @property
    def full_wal_bytes(self) -> int:
        """From what length on commits wait until it was moved."""
        return self.wal_bytes * 15 // 8

    @property
    def database_bytes(self) -> int | None:
        """What the requests and all else in the database may take; None: no limit."""
        return None if self.max_bytes is None else self.max_bytes * 3 // 4 - _COMMIT_BYTES

    def __post_init__(self) -> None:
        if (self.keep == "hashed" or self.personal_fields) and len(self.key) < SMALLEST_KEY_BYTES:
            raise ValueError(
                "Hashed predictions and personal fields need a secret key of at least "
                f"{SMALLEST_KEY_BYTES} bytes: without it anyone could guess the values."
            )
        if self.retention_days is not None and not self.retention_days > 0:
            raise ValueError("The retention in days must be above 0; leave it out to keep all.")
        if self.max_bytes is not None and self.max_bytes < SMALLEST_LOG_BYTES:
            raise ValueError(
                f"The log's largest size must be at least {SMALLEST_LOG_BYTES} bytes; "
                "leave it out for no bound."
            )
