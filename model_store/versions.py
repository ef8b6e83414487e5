"""Version ids: names with the time and origin of a version, which sort by time."""

import re
from datetime import UTC, datetime

_LENGTH = 128
_NO_NAME = re.compile(r"[^A-Za-z0-9.-]+")


def new_version(now: datetime, branch: str, head: str, setup: str) -> str:
    """Return the id of a version made now: `20261121T101500Z_main_1a2b3c4_setup-1a`.

    Args:
        now: an aware datetime.
        branch: the git branch; unsafe characters become `-`.
        head: the git commit, of which seven characters are kept.
        setup: a word for the hardware or the parameters.
    """
    time = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    parts = (_part(branch) or "nogit", _part(head)[:7] or "nogit", _part(setup) or "default")
    return "_".join((time, *parts))[:_LENGTH]


def another_version(version: str, number: int) -> str:
    """Return the id of the version that a second publisher made in the same second."""
    suffix = f"_{number}"
    return version[: _LENGTH - len(suffix)] + suffix


def _part(text: str) -> str:
    return _NO_NAME.sub("-", text).strip("-")
