"""How the values of a model's columns read on the page."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from api.pages.wording import number
from monitoring.log.privacy import is_hash

MOST_CHARACTERS = 80
_HASHED = "hmac:"
_SHOWN_OF_HASH = 8


def column_value(value: float, kind: str) -> str:
    """Return a number of a window as a value of its column."""
    if kind == "datetime":
        try:
            return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M}".removesuffix(" 00:00")
        except (ValueError, OverflowError, OSError):
            return number(value)
    return number(value)


def logged_value(value: Any) -> str:
    """Return a JSON value of the log, cut where it is long; a hash by its beginning."""
    if is_hash(value):
        return f"hidden ({value.removeprefix(_HASHED)[:_SHOWN_OF_HASH]}…)"
    if isinstance(value, float):
        return number(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
