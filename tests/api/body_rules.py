"""The rules for a body, written from the rules alone: no code is shared with the service.

The decoder and the explainer are held to it as well as to each other, as both could be wrong alike.
"""

import base64
import math
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from model_store.schema.signature import Column, Kind, Signature

_TOKEN = re.compile(
    r"""[ \t\n\r]* (?:
        (?P<mark> [\[\]{},:])
      | (?P<word> true | false | null)
      | (?P<number> -? (?:0 | [1-9][0-9]*) (?P<point> \.[0-9]+)? (?P<exponent> [eE][+-]?[0-9]+)?)
      | (?P<string> "(?: [^"\\\x00-\x1f] | \\["\\/bfnrt] | \\u[0-9a-fA-F]{4} )*")
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS = {"true": True, "false": False, "null": None}
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_MINUTES = re.compile(r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)(Z|[+-]\d\d:\d\d)$", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
_LOCAL = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?", re.ASCII
)
FORMS = {
    "%d/%m/%Y": r"\d{1,2}/\d{1,2}/\d{4}",
    "%m-%d-%y": r"\d{1,2}-\d{1,2}-\d\d",
    "%Y%m%d": r"\d{8}",
    "%d.%m.%Y %H:%M": r"\d{1,2}\.\d{1,2}\.\d{4} +\d{1,2}:\d{1,2}",
    "%b %d, %Y": r"[A-Za-z]{3} +\d{1,2}, +\d{4}",
    "%Y-%d-%m": r"\d{4}-\d{1,2}-\d{1,2}",
}
"""Forms of datetimes that the bodies here are drawn for, and what their texts look like."""
_LARGEST_INTEGER = 2**53
_END = ("end", None)

Token = tuple[str, Any]


class NotJsonError(ValueError):
    """A text is not acceptable JSON."""


def status_of(signature: Signature, body: bytes, *, max_string: int) -> int:
    """Return the status that a body must get, apart from the limits of size and depth."""
    try:
        document = parse(body.decode("utf-8"))
    except ValueError:
        return 400
    rows = document if isinstance(document, list) else [document]
    fits = bool(rows) and all(_fits(signature, row, max_string) for row in rows)
    return 200 if fits else 422


def parse(text: str) -> Any:
    """Return what a JSON text says, as RFC 8259 has it.

    Raises:
        NotJsonError: it is something else, names a key twice, or holds a number beyond any float.
    """
    tokens = [*_tokens(text), _END][::-1]
    value = _value(tokens)
    if tokens != [_END]:
        raise NotJsonError("something follows")
    return value


def _tokens(text: str) -> Iterator[Token]:
    place = 0
    end = len(text.rstrip(" \t\n\r"))
    while place < end:
        found = _TOKEN.match(text, place)
        if not found:
            raise NotJsonError("no token")
        place = found.end()
        if (mark := found["mark"]) is not None:
            yield mark, None
        elif (word := found["word"]) is not None:
            yield "value", _WORDS[word]
        elif (number := found["number"]) is not None:
            yield "value", _number(number, whole=not (found["point"] or found["exponent"]))
        else:
            yield "string", _string(found["string"][1:-1])


def _number(literal: str, *, whole: bool) -> float:
    value = float(literal)
    if math.isinf(value):
        raise NotJsonError("too large")
    return int(literal) if whole else value


def _string(literal: str) -> str:
    text = _ESCAPE.sub(lambda e: chr(int(e[1], 16)) if e[1] else _ESCAPED.get(e[2], e[2]), literal)
    # Two escaped surrogates are one character, whatever their order in Python's string.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _value(tokens: list[Token]) -> Any:
    kind, value = tokens.pop()
    if kind in {"value", "string"}:
        return value
    if kind == "[":
        return list(_items(tokens, "]", _value))
    if kind == "{":
        pairs = list(_items(tokens, "}", _pair))
        if len(dict(pairs)) != len(pairs):
            raise NotJsonError("a key twice")
        return dict(pairs)
    raise NotJsonError("no value")


def _pair(tokens: list[Token]) -> tuple[str, Any]:
    kind, key = tokens.pop()
    if kind != "string" or tokens.pop()[0] != ":":
        raise NotJsonError("no key")
    return key, _value(tokens)


def _items(tokens: list[Token], end: str, item: Any) -> Iterator[Any]:
    if tokens[-1][0] == end:
        tokens.pop()
        return
    while True:
        yield item(tokens)
        mark = tokens.pop()[0]
        if mark == end:
            return
        if mark != ",":
            raise NotJsonError("no comma")


def _fits(signature: Signature, row: Any, max_string: int) -> bool:
    if not isinstance(row, dict):
        return False
    ignored = {name: value for name, value in row.items() if name in signature.ignored}
    used = [_input(signature, name) for name in row if name not in ignored]
    values = {_input(signature, name): row[name] for name in row if name not in ignored}
    return (
        all(map(_is_single, ignored.values()))
        and sorted(used) == sorted(column.name for column in signature.inputs)
        and all(_is_of(column, values[column.name], max_string) for column in signature.inputs)
    )


def _input(signature: Signature, key: str) -> str:
    """Return the name of the input that a key stands for, itself if there is none."""
    if key in {column.name for column in signature.inputs}:
        return key
    meant = [column.name for column in signature.inputs if key and column.header == key]
    return meant[0] if len(meant) == 1 else key


def _is_single(value: Any) -> bool:
    if isinstance(value, str):
        return not any("\ud800" <= c <= "\udfff" for c in value)
    return not isinstance(value, list | dict)


def _is_of(column: Column, value: Any, max_string: int) -> bool:
    if value is None:
        return column.nullable
    match column.kind:
        case Kind.BOOLEAN:
            fits = isinstance(value, bool)
        case Kind.NUMBER:
            fits = type(value) in {int, float}
        case Kind.INTEGER:
            # No boolean, and no fraction; `1.0` and `1e2` are whole.
            fits = type(value) in {int, float} and value % 1 == 0 and abs(value) <= _LARGEST_INTEGER
        case Kind.DATETIME:
            fits = _is_datetime(column, value)
        case Kind.ARRAY:
            fits = _is_array(column, value)
        case _:
            fits = _is_text(value) and len(value) <= max_string
    return fits


def _is_array(column: Column, value: Any) -> bool:
    """Return whether a value is one of the arrays that bodies are drawn for, of two numbers."""
    code, width = {"uint8": ("B", 1), "int64": ("q", 8), "float32": ("f", 4)}[column.dtype]
    if isinstance(value, str):
        if not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", value, re.ASCII) or len(value) % 4:
            return False
        with suppress(ValueError):
            value = base64.b64decode(value, validate=True)
            if len(value) == 2 * width:
                return _are_numbers(column, struct.unpack(f"<2{code}", value))
        return False
    return isinstance(value, list) and len(value) == 2 and _are_numbers(column, value)


def _are_numbers(column: Column, numbers: Sequence[Any]) -> bool:
    if any(type(number) not in {int, float} for number in numbers):
        return False
    if column.dtype == "float32":
        # Half a step above its largest number it rounds to an infinite one.
        return all(abs(number) < 2.0**128 - 2.0**103 for number in numbers)
    least, most = {"uint8": (0, 255), "int64": (-_LARGEST_INTEGER, _LARGEST_INTEGER)}[column.dtype]
    return all(number % 1 == 0 and least <= number <= most for number in numbers)


def _is_datetime(column: Column, value: Any) -> bool:
    if column.form and type(value) in {int, float}:
        return _is_number_of(column.form, value)
    return _is_text(value) and (_is_moment(value) or _is_local(column, value.strip()))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" or c == "\0" for c in value)


def _is_local(column: Column, text: str) -> bool:
    """Return whether a text is a time without an offset, in a column that says how to read it."""
    if column.form.startswith("epoch") and _DECIMAL.fullmatch(text):
        return _is_number_of(column.form, float(text))
    if column.form in FORMS and re.fullmatch(FORMS[column.form], text, re.ASCII):
        with suppress(ValueError, OverflowError):
            moment = datetime.strptime(text, column.form)  # noqa: DTZ007 - as in the column
            return _is_in_zone(moment, column)
    if column.time_zone and (found := _LOCAL.fullmatch(text)):
        year, month, day, hour, minute, second = (int(number or 0) for number in found.groups())
        with suppress(ValueError, OverflowError):
            moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - as above
            return _is_in_zone(moment, column)
    return False


def _is_in_zone(moment: datetime, column: Column) -> bool:
    moment.replace(tzinfo=ZoneInfo(column.time_zone or "UTC")).astimezone(UTC)
    return True


def _is_number_of(form: str, value: float) -> bool:
    if form == "%Y%m%d":
        if value % 1 or not 0 < value < 10**8:
            return False
        return _is_local(Column(name="", kind=Kind.DATETIME, form=form), str(int(value)))
    seconds = value / {"epoch s": 1, "epoch ms": 1000}.get(form, float("nan"))
    # The years 1 to 9999.
    return -62_135_596_800 <= seconds < 253_402_300_800


def _is_moment(text: str) -> bool:
    """Return whether a text is a time of RFC 3339 that Python can hold, in UTC too.

    Its seconds may be left out, as tables do.
    """
    found = _MOMENT.fullmatch(_MINUTES.sub(r"\1:00\2", text))
    if not found:
        return False
    *parts, sign, hours, minutes = found.groups()
    try:
        offset = _offset(hours, minutes) * (-1 if sign == "-" else 1) if sign else timedelta()
        year, month, day, hour, minute, second = map(int, parts)
        zone = timezone(offset)
        datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def _offset(hours: str, minutes: str) -> timedelta:
    if int(minutes) >= 60:
        raise ValueError("no such minute")
    return timedelta(hours=int(hours), minutes=int(minutes))
