"""The clock of the log, and the one way in which it writes a time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def utc_text(time: datetime) -> str:
    """Return `time` as UTC ISO 8601 text with microseconds and Z, which sorts as it happened.

    Raises:
        ValueError: The time has no zone, so that nobody knows which moment it names.
    """
    if time.tzinfo is None:
        raise ValueError("A logged time needs a time zone: use datetime.now(UTC).")
    utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:-6] + "Z"
