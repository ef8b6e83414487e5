"""Some of the log's requests, by their numbers."""

from typing import NamedTuple


class Span(NamedTuple):
    """The requests from one number to another, both within."""

    first: int = 1
    last: int = 2**63 - 1
    """As large as SQLite counts."""


EVERYTHING = Span()
