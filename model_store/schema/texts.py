"""Text as a model sees it: one spelling for what reads the same, in training as in serving."""

import unicodedata


def normalised(text: str) -> str:
    """Return a text without blanks around it, its accents composed (Unicode's NFC).

    `"Private"` and `" Private"`, or an `é` in one piece and in two, are one category.
    """
    stripped = text.strip()
    return stripped if stripped.isascii() else unicodedata.normalize("NFC", stripped)
