"""The names that a pickle imports, found out without running it; joblib may have packed it."""

import bz2
import gzip
import lzma
import pickletools
import re
import zlib
from collections.abc import Callable

_UNPACK: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"\x5d\x00", lzma.decompress),
    (b"\x78", zlib.decompress),
)
# A module's name, unless it was named before, and a name in it, as pickles of today write them.
_WRITTEN = re.compile(
    rb"(?:\x8c.([A-Za-z_][\w.]*)\x94|[hj].{1,4}?)\x8c.([A-Za-z_][\w.]*)\x94\x93", re.DOTALL
)
_TEXTS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"}


def names_in_pickle(content: bytes) -> list[str]:
    """Return what a pickle names to import, as far as it can be read, sorted.

    joblib writes arrays between the instructions, where no more of these can be read: what looks
    like a name behind is shown, and that there may be others.
    """
    for start, unpack in _UNPACK:
        if content.startswith(start):
            try:
                content = unpack(content)
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
                return []
            break
    texts: list[str] = []
    found: set[str] = set()
    end = 0
    try:
        for code, argument, place in pickletools.genops(content):
            end = (place or 0) + 1
            if code.name in {"GLOBAL", "INST"}:
                found.add(str(argument).replace(" ", "."))
            elif code.name == "STACK_GLOBAL":
                found.add(".".join(texts[-2:]))
            elif code.name in _TEXTS:
                texts.append(str(argument))
    except Exception:  # noqa: BLE001 - what is looked through may be anything
        end = 0
    if end == len(content):
        return sorted(found)
    pairs = (match.groups(b"") for match in _WRITTEN.finditer(content))
    found |= {b".".join(filter(None, pair)).decode() for pair in pairs}
    return [*sorted(found), "... and what cannot be shown"]
