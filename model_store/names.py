"""Names that are safe as file names, and are checked before they meet a path."""

import re

from model_store.errors import InvalidNameError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def is_name(text: str) -> bool:
    """Return whether a text may name a model, a version or an alias."""
    return _NAME.fullmatch(text) is not None


def checked_name(what: str, text: str) -> str:
    """Return a name that may be joined to a path; `what` it names is for the sentence.

    Raises:
        InvalidNameError: the name is not safe.
    """
    if not is_name(text):
        raise InvalidNameError(what)
    return text
