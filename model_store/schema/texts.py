"""Text as a model sees it: one spelling for what reads the same, in training as in serving."""

import unicodedata

_INVISIBLE = "\ufeff\u200b\u2060"
"""Marks without width, which programs leave at the ends of texts."""


def normalised(text: str) -> str:
    """Return a text without blanks around it, its accents composed (Unicode's NFC).

    `"Private"` and `" Private"`, or an `é` in one piece and in two, are one category.
    """
    stripped = text.strip()
    if stripped.isascii():
        return stripped
    return unicodedata.normalize("NFC", stripped.strip(_INVISIBLE).strip())
