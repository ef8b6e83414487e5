"""A short label in a colour."""

from typing import NamedTuple


class Badge(NamedTuple):
    """A word, the name of its style, and a sign for readers who do not see colours."""

    word: str
    style: str
    sign: str = ""
