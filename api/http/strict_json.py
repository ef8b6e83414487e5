"""JSON text as RFC 8259 has it, read strictly, and a sentence on what is wrong with it."""

import codecs
import json
import math
from typing import Any

import msgspec
import numpy as np

from api.http.problems import MAX_ERRORS, InvalidJson
from model_store.schema.row_decoder import STRING, has_duplicate_key

MAX_DEPTH = 16
"""How deep brackets may be nested for a value to be explained; rows need two."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_TURNS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""An opening bracket as 1, a closing one as -1."""
_DIGITS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * 309
"""From this many digits on, a number may overflow a float."""
_MARKS = {
    codecs.BOM_UTF8: "UTF-8",
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_TWICE = "An object of the body names a key twice."


def parse_strictly(body: bytes) -> Any:
    """Parse JSON text, without duplicate keys or overflowing numbers.

    Raises:
        InvalidJson: with a sentence that says what is wrong, and where that is known.
    """
    for mark, encoding in _MARKS.items():
        if body.startswith(mark):
            raise InvalidJson(
                f"The body begins with a byte order mark, of {encoding}: send UTF-8 without one."
            )
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJson(f"The body is not UTF-8 at byte {error.start}.") from None
    if _is_deep(body):
        raise InvalidJson("The body is nested too deeply: a row has no depth.")
    if _LONG_NUMBER in body.translate(_DIGITS):
        return _parse_slowly(text)
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        # It is no JSON text; or holds half a surrogate, or a number too large.
        return _parse_slowly(text)
    if has_duplicate_key(body, _keys(document, body)):
        raise InvalidJson(_TWICE)
    return document


def nan_places(body: bytes) -> list[tuple[str | int, ...]]:
    """Return the row and field of each NaN or infinity in a body of rows, up to `MAX_ERRORS`.

    Python's `json.dumps` writes these words, which JSON does not know. Nothing is returned of a
    body that is no JSON text besides, or no row nor array of rows.
    """
    found = object()
    if b"NaN" not in body and b"Infinity" not in body:
        return []
    try:
        document = json.loads(body, parse_constant=lambda _: found)
    except (ValueError, RecursionError):
        return []
    rows = document if isinstance(document, list) else [document]
    places: list[tuple[str | int, ...]] = []
    for index, row in enumerate(rows):
        if isinstance(row, dict):
            place = (index,) if rows is document else ()
            places += [(*place, key) for key, value in row.items() if value is found]
        if len(places) >= MAX_ERRORS:
            break
    return places[:MAX_ERRORS]


def _parse_slowly(text: str) -> Any:
    try:
        try:
            # What is called for every number takes long, and is not needed to find an error.
            json.loads(text, parse_constant=_refuse_constant)
        except json.JSONDecodeError:
            raise
        except ValueError:
            pass  # an integer of thousands of digits
        return json.loads(text, object_pairs_hook=_unique, parse_float=_finite, parse_int=_integer)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidJson(f"The body is not JSON text: look at {place}.") from None
    except RecursionError:
        raise InvalidJson("The body is nested too deeply: a row has no depth.") from None


def _keys(document: Any, body: bytes) -> int:
    """Return how many keys all objects of a document have together."""
    keys = 0
    # Never fewer than there are: strings may hold brackets, too.
    left = body.count(b"{") + body.count(b"[")
    containers = [document] if isinstance(document, dict | list) else []
    while containers:
        container = containers.pop()
        left -= 1
        if isinstance(container, dict):
            keys += len(container)
        if left > len(containers):
            values = container.values() if isinstance(container, dict) else container
            containers += [value for value in values if isinstance(value, dict | list)]
    return keys


def _is_deep(body: bytes) -> bool:
    """Return whether brackets, outside of strings, are nested deeper than `MAX_DEPTH`.

    So that the verdict depends on no interpreter's stack.
    """
    # To leave the strings out takes long, and hardly any string holds a bracket.
    return _depth(body) > MAX_DEPTH and _depth(STRING.sub(b"", body)) > MAX_DEPTH


def _depth(text: bytes) -> int:
    turns = np.frombuffer(text.translate(_TURNS, delete=_NO_BRACKETS), np.int8)
    return int(turns.cumsum(dtype=np.int32).max(initial=0))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidJson(_TWICE)
    return found


def _refuse_constant(name: str) -> float:
    raise InvalidJson(f"{name} is no JSON number: send null where a value is missing.")


def _finite(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise InvalidJson("A number of the body is too large for a float.")
    return value


def _integer(literal: str) -> int:
    # Anything this long overflows a float; Python would also take long to parse it.
    _finite(literal)
    return int(literal)
