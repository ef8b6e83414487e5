"""How numbers, shares and times read on a page."""

import math
from datetime import UTC, datetime

_LARGEST_PLAIN = 1e15
_MANY_DIGITS = 1000
_MILLISECOND, _SECOND = 1e-3, 1.0


def number(value: float) -> str:
    """Return a number with four digits that matter."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < _LARGEST_PLAIN:
        return f"{int(value):,}"
    if _MANY_DIGITS <= abs(value) < _LARGEST_PLAIN:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(share: float) -> str:
    """Return a share; what is there never reads as none, nor what is missing as all."""
    if 0 < share < 0.001:  # noqa: PLR2004 - the least that is shown
        return "< 0.1 %"
    if 0.999 < share < 1:  # noqa: PLR2004 - likewise
        return "> 99.9 %"
    return f"{share:.1%}".replace(".0%", "%").replace("%", " %")


def duration(seconds: float) -> str:
    """Return how long something took."""
    if not seconds:
        return "0 s"
    if seconds < _MILLISECOND:
        return f"{seconds * 1e6:.3g} µs"
    if seconds < _SECOND:
        return f"{seconds * 1e3:.3g} ms"
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def moment(time: datetime) -> str:
    """Return a time, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def short_moment(time: datetime) -> str:
    """Return a time for the end of an axis."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return how many there are of something."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: list[str], most: int = 3) -> str:
    """Return names as a sentence has them; a few of many."""
    if len(names) > most:
        return ", ".join(names[:most]) + f" and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
