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


# Control characters, what turns the direction of writing, and what no encoding can write: all but
# the end of a line.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    r"""Return a text as a terminal may show it: characters that would command it as escapes.

    As in `\x1b[2J`; the ends of lines stay.
    """
    return _UNPRINTABLE.sub(lambda found: _escape(found[0]), text)


def on_one_line(text: str) -> str:
    r"""Return a text as `printable` does, the ends of its lines as `\n`."""
    return printable(text).replace("\n", r"\n")


def _escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004 - what two digits hold
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four digits
