"""A trace that a caller began: continued in the answer and in the access line (W3C, `traceparent`).

Nothing is reported to anyone: with the id of the trace, the logs of caller and service are joined.
"""

import re
import secrets
from typing import NamedTuple

_FIELD = re.compile(
    rb"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-[ -~]*)?"
)
_FIRST, _INVALID = b"00", b"ff"
_SAMPLED = 1


class Trace(NamedTuple):
    """A trace as this service continues it."""

    trace_id: str
    """Of the whole trace: 32 hexadecimal digits."""
    span_id: str
    """Of this request: 16 hexadecimal digits."""
    sampled: bool
    """Whether the caller records it."""

    @property
    def field(self) -> bytes:
        """The value of `traceparent`."""
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}".encode()


def continued(field: bytes) -> Trace | None:
    """Return the trace of a request's `traceparent`; None if it is not valid."""
    found = _FIELD.fullmatch(field)
    if found is None:
        return None
    version, trace_id, flags, more = found.groups()
    # A later version may add parts to this field; the first one has none.
    if version == _INVALID or (more and version == _FIRST):
        return None
    sampled = bool(int(flags, 16) & _SAMPLED)
    return Trace(trace_id.decode(), secrets.token_hex(8), sampled)
