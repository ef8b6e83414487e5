"""JSON texts of values for hypothesis: good ones by their kind, and odd ones that may be none."""

import json
from collections.abc import Mapping
from datetime import UTC, timedelta, timezone
from typing import NamedTuple

from hypothesis import strategies as st

from model_store.schema.signature import LARGEST_INTEGER, Kind

MAX_STRING = 12
"""The limit of strings that the values here are drawn for."""

Strategy = st.SearchStrategy[str]


class Values(NamedTuple):
    """The values that a body is made of."""

    good: Mapping[Kind, Strategy]
    odd: Mapping[Kind, Strategy]
    """Good, nearly good or no JSON at all; most of them nearly of the kind."""


def as_json(value: object) -> Strategy:
    """Return the texts that say a value, with non-ASCII characters escaped or not."""
    return st.booleans().map(lambda escaped: json.dumps(value, ensure_ascii=escaped))


def _one_of(words: str, *more: str) -> Strategy:
    return st.sampled_from([*words.split(), *more])


def _joined(*parts: Strategy) -> Strategy:
    return st.tuples(*parts).map("".join)


_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_TEXT = st.text(_CHARACTERS, max_size=MAX_STRING).flatmap(as_json)
_OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_MOMENTS = (
    st.datetimes(timezones=_OFFSETS | st.just(UTC))
    # Years from either end, so that no offset leads beyond what a datetime can hold.
    .filter(lambda moment: 1 < moment.year < 9999)
    .map(lambda moment: json.dumps(moment.isoformat()))
)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)

_PIECES = _one_of(
    r"""x é : , } ] \" \": \\ \/ \b \n \u0041 \u00E9 \u0000 \ud83c\udf48 \ud83c \udf48
    \udf48\ud83c \uD83C\u0041 \u12 \x41 \' \ """,
    *("\N{MELON}", "\t", "\n", "\x7f", "\x00", "\ufeff"),
)
_ODD_STRINGS = st.lists(_PIECES, max_size=MAX_STRING + 1).map(lambda p: '"' + "".join(p) + '"')
_NOTHING = st.just("")
_ODD_NUMBERS = _joined(
    _NOTHING | _one_of("- + --", " "),
    _one_of(f"0 00 1 9 12 053 {2**53} {2**53 + 1} {'9' * 25}", "") | st.integers(0, 2**70).map(str),
    _NOTHING | _one_of(". .0 .5 .000 ._1 _1 ,5"),
    _NOTHING | _one_of("e e0 E1 e+2 e-2 e15 e16 e308 e309 e-400"),
    _NOTHING | _one_of("n f L 0", " "),
)
_ODD_MOMENTS = _joined(
    _one_of('"2026-01-01 "2026-02-29 "2024-02-29 "2026-1-1 "0001-01-01 "20260101'),
    _one_of(r"T T T t _ \u0054", " ", "  ", ""),
    _one_of("00:00:00 23:59:59 23:59:60 24:00:00 12:30 1:2:3 123456"),
    _NOTHING | _one_of(".5 .123456 .1234567 . ,5"),
    _one_of('Z" z" " +00:00" -00:00" +23:59" +24:00" +01:60" +0100" +01" UTC"', ' Z"'),
)
_WORDS = _one_of("true false null")
_ODD_TEXTS = _WORDS | _one_of(
    r"""
    "" "5.1" "true" "1_000" "NaN" True NaN Infinity -Infinity nan undefined None nul
    truex tru [] [1] {} {"a":1} [[[[]]]] {"a":{"a":1,"a":1}} [1 1] 'a' `a` 0x10 1_000 /**/1 1// # @
    1e - -0 -0.0 5e-324 1e-400 1.0 1e3 0e999 9007199254740993 -9007199254740993
    18446744073709551616
    """,
    *('" 5.1 "', "1 2", "", "\u0661", "\uff11", " 1 ", "\ufeff1", "\u00a01", '"\u2028"'),
    *("9" * 300, "9" * 400, "9" * 5000, "-" + "9" * 5000, "0." + "0" * 400 + "1"),
    *("1" + "0" * 308, "1" + "0" * 309, "-1.7976931348623159e308", "1.7976931348623158e308"),
)

_ODD_ARRAYS = _joined(
    _one_of("[ [[ [] {"),
    _one_of("0 1 255 256 -1 0.5 1.0 1e39 3.4028235e38 3.4028236e38 true null 9007199254740993"),
    _one_of(", ,, : ] ],["),
    _one_of('0 1.5 2e0 "1" false 1e400 -0.0 [1] 18446744073709551616'),
    _one_of("] ]] ,3] }", ""),
) | _one_of(
    '"AAE=" "AAE" "AAF=" "AAE=\\n" "AAE= " "AAE==" "AAECAw==" "AAAAAAAAgD8=" "AAAAAAAAwH8="',
    '"AAAAAAAAAAABAAAAAAAAAA=="',
    '"AAAAAAAAAAABAAAAAAAgAA=="',
    '"AAAAAAAAAAABAAAAAAAAgA=="',
    '"AA\u00e9="',
)
_WHOLE = st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
_ODD_LOCAL = _joined(
    _one_of('"', '" ', '"\u00a0'),
    _one_of(
        "2024-01-31 2024-02-30 2024-3-1 31/01/2024 1/2/2024 30/02/2024 20240131 2024131 2024-31-01",
        *("31.01.2024 10:00", "1.1.2024  9:5", "Jan 31, 2024", "jan 1,  2024", "01-31-24"),
        *("0001-01-01", "9999-12-31", "0000-01-01", "\u0661/01/2024", "2024-01-31_10:00"),
        *("2024-01-31 10:00", "2024-01-31T10:00:00.1234567", "2024-01-31 24:00", "1706695200"),
        *("-62135596800", "253402300800", "1706695200.5", "1e9", "2024-03-31 02:30:00"),
    ),
    _one_of('"', ' "', "", 'Z"', '+01:00"', '\t"', '\\t"'),
)
_ODD_EPOCHS = _one_of(
    "20240131 20240131.0 20240231 20240131.5 2024131 1706695200 1706695200.5 1e12"
)

PLAIN = Values(
    {
        Kind.INTEGER: (_WHOLE | _WHOLE.map(float)).map(json.dumps),
        Kind.NUMBER: _NUMBERS.map(json.dumps),
        Kind.BOOLEAN: st.booleans().map(json.dumps),
        Kind.STRING: _TEXT,
        Kind.CATEGORY: _TEXT,
        Kind.DATETIME: _MOMENTS,
        Kind.ARRAY: st.lists(st.integers(0, 99), min_size=2, max_size=2).map(json.dumps),
    },
    {
        Kind.INTEGER: _ODD_NUMBERS | _ODD_TEXTS,
        Kind.NUMBER: _ODD_NUMBERS | _ODD_TEXTS,
        Kind.BOOLEAN: _ODD_TEXTS,
        Kind.STRING: _ODD_STRINGS | _ODD_TEXTS,
        Kind.CATEGORY: _ODD_STRINGS | _ODD_TEXTS,
        Kind.ARRAY: _ODD_ARRAYS | _ODD_TEXTS,
        Kind.DATETIME: _ODD_MOMENTS | _ODD_LOCAL | _ODD_EPOCHS | _ODD_STRINGS | _ODD_TEXTS,
    },
)
