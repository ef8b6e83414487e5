"""Units, percent and currencies: what stands before or after all numbers of a column."""

import re
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_pipe.runner.reading.columns.distinct import MOSTLY, matches

_AFFIXED = re.compile(
    r"^[-+(]?[ ]?(?P<prefix>Rs\.|[^\d\s.,'\u2019()+-]{0,4})[  ]?[-+]?"
    r"(?:\d[\d.,'\u2019\s]*\d|[.,]?\d+[.,]?)(?:[eE][-+]?\d+)?"
    r"(?P<blank>[ \u00a0\u202f]?)(?P<suffix>(?:[cdkm]?m|ft|in)[23]"
    r"|[^\d\s.,()+-][^\d\s,()]{0,11})?\)?$"
)
_CURRENCIES = (
    frozenset(
        (
            "$",
            "€",
            "£",
            "¥",
            "₹",
            "₽",
            "₩",
            "zł",
            "kr",
            "Fr",
            "R$",
            "US$",
            "A$",
            "C$",
            "EUR",
            "USD",
            "GBP",
        )
    )
    | {
        *("Rs", "Rs.", "RM", "Kč", "Ft", "₺", "₫", "฿", "₪", "₴", "₦", "CNY", "HKD", "NZD", "SGD"),
        *(
            "MXN",
            "ZAR",
            "TRY",
            "RUB",
            "CZK",
            "HUF",
            "KRW",
            "THB",
            "kr.",
            "CA$",
            "AU$",
            "NZ$",
            "HK$",
        ),
    }
    | {"CHF", "JPY", "SEK", "NOK", "DKK", "PLN", "CAD", "AUD", "INR", "BRL"}
)
_UNIT = re.compile(
    r"[a-zµμ%‰°€$£¥₹₽₩Ω][^A-Z]{0,11}|°[CFK]|[kMGT](?:W|Wh|B|Hz|V|A|J)|Wh|Hz|Pa|[A-Z]{3}"
)

_KNOWN_UNITS = _CURRENCIES.union(
    {"", "%", "°", "°C", "°F", "km/h", "mph", "m/s", "m2", "m²", "years", "months", "days"},
    {"kg", "g", "mg", "t", "lb", "lbs", "oz", "ct", "l", "ml", "cl"},
    {"km", "m", "cm", "mm", "mi", "ft", "in", "h", "hr", "min", "s", "sec", "ms"},
    {"kW", "W", "kWh", "Wh", "MW", "MWh", "V", "A", "Hz", "kHz", "MHz", "GHz", "Pa", "hPa", "bar"},
    {"kB", "KB", "MB", "GB", "TB"},
)
"""Numbers in several of these are no categories but amounts that must be converted."""


def may_be_numbers(values: pa.LargeStringArray, weights: np.ndarray) -> bool:
    """Return whether a sample says that it is worth to look at every text."""
    places = np.linspace(0, len(values) - 1, min(len(values), 400)).astype(int)
    sample = values.take(pa.array(places)).to_pylist()
    fits = np.array(
        [
            _AFFIXED.match(_BEHIND.sub(r"-\1", text.replace("\u2212", "-"))) is not None
            for text in sample
        ]
    )
    return bool(fits.mean() > MOSTLY / 2) or bool(
        len(sample) == len(values) and weights[fits].sum() >= MOSTLY * weights.sum()
    )


def affixes_of(values: pa.LargeStringArray, weights: np.ndarray) -> tuple[str, str]:
    """Return the prefix and suffix, blanks included, that most numbers of a sample have."""
    places = np.linspace(0, len(values) - 1, min(len(values), 2000)).astype(int)
    found: Counter[tuple[str, str]] = Counter()
    sample = values.take(pa.array(places)).to_pylist()
    for text, weight in zip(sample, weights[places].tolist(), strict=True):
        if match := _AFFIXED.match(text):
            suffix, prefix = match["suffix"] or "", match["prefix"]
            is_unit = not suffix or bool(match["blank"]) or _UNIT.fullmatch(suffix)
            if is_unit and (not prefix or prefix in _CURRENCIES):
                found[prefix, suffix] += weight
    return found.most_common(1)[0][0] if found else ("", "")


_FACTORS = (
    r"k|K|M|B|bn|Bn|BN|mn|mln|mio|Mio\.?|Mrd\.?|Tsd\.?|[mMbB]illions?|[tT]housand|lakhs?|crores?"
)
_ABBREVIATED = (
    rf"^[-+(]?(?:[$€£¥₹]|[A-Z]{{3}} ?|Rs\.? ?)? ?[-+]?[0-9][0-9.,]*[ \x{{a0}}]?(?:{_FACTORS})"
    r"(?:[ ]?(?:[$€£¥₹]|[A-Z]{3}))?\)?$"
)
_FEW_SIZES = 12


def abbreviation(values: pa.LargeStringArray, weights: np.ndarray) -> str:
    """Return a text that abbreviates a number, in a column of numbers; empty: it is none.

    Few whole numbers with one letter, as in 4K and 8K, are names of sizes.
    """
    found = matches(values, _ABBREVIATED)
    if not found.any():
        return ""
    plain = matches(values, r"^[-+(]?[$€£¥₹]? ?[-+]?[0-9][0-9.,]*\)?$")
    total = MOSTLY * weights.sum()
    # A few among plain numbers are odd cells.
    if weights[found | plain].sum() < total or weights[plain].sum() >= total:
        return ""
    if len(values) <= _FEW_SIZES and not plain.any() and matches(values, "^[0-9]+[KMB]$").all():
        return ""
    return str(values[int(np.flatnonzero(found)[0])])


_MINUS_BEHIND = r"^([0-9][0-9.,' ]*[.,][0-9]+)-$"
_BEHIND = re.compile(_MINUS_BEHIND)


def cleaned(values: pa.LargeStringArray) -> tuple[pa.LargeStringArray, bool]:
    """Return texts with ASCII digits and a minus before them, and whether one stood behind."""
    if not pc.all(pc.string_is_ascii(values)).as_py():
        values = pc.replace_substring_regex(values, r"^[\x{2012}\x{2013}\x{2212}]", "-")
        values = pc.replace_substring(values, "\u2212", "-")
        if matches(values, r"[^0-9\P{Nd}]").any():
            values = pa.array([_in_ascii(text) for text in values.to_pylist()], values.type)
    trails = matches(values, _MINUS_BEHIND)
    if trails.any():
        values = pc.replace_substring_regex(values, _MINUS_BEHIND, r"-\1")
    return values, bool(trails.any())


def _in_ascii(text: str) -> str:
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def units_differ(values: pa.LargeStringArray, weights: np.ndarray) -> bool:
    """Return whether most texts of a sample are numbers of known units, but not of one."""
    places = np.linspace(0, len(values) - 1, min(len(values), 2000)).astype(int)
    found: Counter[str] = Counter()
    sample = values.take(pa.array(places)).to_pylist()
    for text, weight in zip(sample, weights[places].tolist(), strict=True):
        match = _AFFIXED.match(text)
        if not match:
            continue
        prefix, unit = match["prefix"], match["suffix"] or ""
        if (len(unit) == 1 and unit.isupper() and not match["blank"]) or (
            prefix and prefix not in _CURRENCIES
        ):
            # A1 and 2B are codes.
            continue
        if unit in _KNOWN_UNITS or unit.lower() in _KNOWN_UNITS:
            found[prefix + unit] += weight
    return len(found) > 1 and found.total() >= MOSTLY * weights[places].sum()


def bodies_of(
    values: pa.LargeStringArray, prefix: str, suffix: str
) -> tuple[pa.LargeStringArray, np.ndarray]:
    """Return texts without sign and affixes, empty where they differ, and which are negative."""
    before = re.escape(prefix) + "[  \u00a0]?" if prefix else ""
    after = "[ \u00a0\u202f]?" + re.escape(suffix) if suffix else ""
    body = r"(?P<body>[0-9.,][0-9.,'\x{2019}\s\x{a0}\x{202f}\x{2009}eE+-]*)"
    inner = "[-+]" if prefix else "[^\\s\\S]"
    open_ = rf"^(?P<sign>[-+])? ?{before}(?P<inner>{inner})?{body}{after}$"
    closed = rf"^\( ?{before}{body}{after} ?\)$"
    parts = pc.extract_regex(values, open_)
    taken = pc.struct_field(parts, "body")
    minus = pc.or_(
        pc.equal(pc.fill_null(pc.struct_field(parts, "sign"), ""), "-"),
        pc.equal(pc.fill_null(pc.struct_field(parts, "inner"), ""), "-"),
    )
    bracketed = pc.struct_field(pc.extract_regex(values, closed), "body")
    negative = pc.or_(minus, pc.is_valid(bracketed)).to_numpy(zero_copy_only=False)
    bodies = pc.utf8_trim_whitespace(pc.fill_null(pc.coalesce(taken, bracketed), ""))
    return bodies, negative.astype(bool)
