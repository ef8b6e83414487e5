"""Codes that could be taken for numbers: what a number would lose of them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_pipe.runner.reading.columns.distinct import MOSTLY, Distinct, matches
from model_store.schema.signature import LARGEST_INTEGER

_LEADING_ZERO = r"^[-+]?0[0-9]+$"
_LONG_PLUS = r"^\+[0-9 ]{8,}$"
_CODE_EXPONENT = r"^[-+]?[0-9]+[eE][0-9]+$"
_IN_DIGITS = (
    r"^[^\pL]*\d[^\pL]*(?: ?[AaPp]\.?[Mm]\.?)?$|^-?[0-9]+ days?(?: [-+0-9:.]+)?$"
    r"|^P[0-9T][0-9A-Z.]*$|^0[xX][0-9A-Fa-f]+$|^[-+]?[0-9.]+[Dd][-+]?[0-9]+$"
)
_WHOLE = r"^[-+]?[0-9]+$"


def why_codes(values: pa.LargeStringArray, is_plain: np.ndarray) -> tuple[str, np.ndarray]:
    """Return why texts that could be numbers are codes, a phrase, and which show it.

    The phrase is empty, and they are none, where the texts are numbers.
    """
    for pattern, why in (
        (_LEADING_ZERO, "leading zeros"),
        (_LONG_PLUS, "a plus sign before a long number"),
    ):
        if (found := matches(values, pattern)).any():
            return f"{why} ({_first(values, found)})", found
    exponents = matches(values, _CODE_EXPONENT)
    if exponents.any() and not pc.any(pc.match_substring(values, ".")).as_py():
        return f"digits around a letter ({_first(values, exponents)})", exponents
    whole = matches(values, _WHOLE)
    long = matches(values, "^[-+]?[0-9]{16,}$")
    if long.any() and whole[is_plain].all():
        large = np.array(
            [abs(int(v)) > LARGEST_INTEGER for v in values.filter(pa.array(long)).to_pylist()]
        )
        if large.any():
            return f"more digits than a number keeps ({_first(values, long)})", long
    return "", np.zeros(len(values), dtype=bool)


def in_digits(values: Distinct) -> str:
    """Return an example of texts that are written in digits and signs alone; empty: they are not.

    Times of a day, durations, fractions, ranges, hexadecimals: nothing reads them as numbers.
    """
    found = matches(values.entries, _IN_DIGITS)
    weights = values.counts
    if not found.any() or weights[found].sum() < MOSTLY * weights.sum():
        return ""
    return _first(values.entries, found)


def _first(values: pa.LargeStringArray, is_meant: np.ndarray) -> str:
    return str(values[int(np.flatnonzero(is_meant)[0])])
