"""Names that are safe as file names, checked before they meet a path; and texts that are names."""

import re
import unicodedata

from model_store.errors import InvalidNameError

_STEERING = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def is_name(text: str) -> bool:
    """Return whether a text may name a model, a version or an alias."""
    return _NAME.fullmatch(text) is not None


def has_control(text: str) -> bool:
    """Return whether a text has a character that no name has, as it steers what shows the text.

    These are control characters (NUL, escapes), lone surrogates, separators of lines, and marks
    that turn the direction of writing.
    """
    if text.isprintable():
        return False
    return any(unicodedata.category(c) in _STEERING or c in _TURNING for c in text)


def checked_name(what: str, text: str) -> str:
    """Return a name that may be joined to a path; `what` it names is for the sentence.

    Raises:
        InvalidNameError: the name is not safe.
    """
    if not is_name(text):
        raise InvalidNameError(what)
    return text
