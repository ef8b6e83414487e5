"""Time zones by their IANA names, as a signature holds them."""

import re
from datetime import UTC, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

# "Europe/Berlin", "Etc/GMT+5": no path, and none of the names that mean this machine's own zone.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z][A-Za-z0-9_+-]*){0,2}", re.ASCII)
_NO_PLACES = frozenset({"Factory", "localtime", "posixrules", "posix", "right"})
_LONGEST = 64


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """Return the zone of this name.

    Raises:
        ValueError: there is none; the sentence says what to do.
    """
    if name == "UTC":
        # Known without any database of zones.
        return UTC
    if len(name) <= _LONGEST and _NAME.fullmatch(name) and name not in _NO_PLACES:
        try:
            return ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            # An unknown zone, a folder of zones, a file that is none.
            pass
    raise ValueError(
        f"no time zone is called {name[:_LONGEST]!r} here: use an IANA name such as "
        '"Europe/Berlin", and install the package tzdata where all are unknown'
    )
