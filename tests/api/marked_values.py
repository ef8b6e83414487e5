"""Values for hypothesis with a mark in them, so that they are found wherever they turn up."""

import re
from functools import partial

from hypothesis import strategies as st

from model_store.schema.signature import Kind
from tests.api.json_values import PLAIN, Strategy, Values
from tests.api.refusal import MOMENT, NUMBER, VALUE

_FIRST_QUOTE = re.compile('"')
_FIRST_DIGIT = re.compile("[0-9]")


def _planted(first: "re.Pattern[str]", mark: str, texts: Strategy) -> Strategy:
    """Put a mark behind the first match of a pattern in a text; a text without one stays."""
    return texts.map(partial(first.sub, rf"\g<0>{mark}", count=1))


_INTEGERS = st.integers(0, 999).map(lambda number: f"{NUMBER}{number}")
_NUMBERS = st.builds("{}{}.{}".format, st.sampled_from(["", "-"]), _INTEGERS, st.integers(0, 999))
_STRINGS = _planted(_FIRST_QUOTE, VALUE, PLAIN.good[Kind.STRING])

MARKED = Values(
    {
        Kind.INTEGER: _INTEGERS,
        Kind.NUMBER: _NUMBERS,
        Kind.BOOLEAN: PLAIN.good[Kind.BOOLEAN],
        Kind.STRING: _STRINGS,
        Kind.CATEGORY: _STRINGS,
        Kind.DATETIME: st.datetimes().map(lambda moment: f'"{moment.isoformat()[:14]}{MOMENT}Z"'),
        Kind.ARRAY: PLAIN.good[Kind.ARRAY],
    },
    {
        kind: odd | _planted(_FIRST_QUOTE, VALUE, odd) | _planted(_FIRST_DIGIT, str(NUMBER), odd)
        for kind, odd in PLAIN.odd.items()
    },
)
