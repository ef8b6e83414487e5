"""Numbers as people write them: decimal commas, thousands, percent, currencies, units.

A column is read in one way, or not at all: its own cells decide, no other column's.
"""

import re
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_pipe.runner.reading.columns.distinct import Distinct
from model_store.schema.signature import LARGEST_INTEGER

MOSTLY = 0.8
"""The share of a column's rows that makes it a column of numbers, or dates, with odd cells."""
FEWEST_GROUPED = 0.01
"""Thousands that fewer rows separate are odd cells in a column of plain numbers."""

_BLANKS = "  \u00a0\u202f\u2009"  # an ordinary one, no-break, narrow, thin
_PLAIN = r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
_LEADING_ZERO = r"^[-+]?0[0-9]+$"
_LONG_PLUS = r"^\+[0-9 ]{8,}$"
_CODE_EXPONENT = r"^[-+]?[0-9]+[eE][0-9]+$"
_WHOLE = r"^[-+]?[0-9]+$"
_AFFIXED = re.compile(
    r"^[-+(]?[ ]?(?P<prefix>[^\d\s.,'\u2019()+-]{0,4})[  ]?[-+]?"
    r"(?:\d[\d.,'\u2019\s]*\d|[.,]?\d+[.,]?)(?:[eE][-+]?\d+)?"
    r"(?P<blank>[ \u00a0\u202f]?)(?P<suffix>[^\d\s.,()+-][^\d\s,()]{0,11})?\)?$"
)
_CURRENCIES = frozenset(
    [
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
        "CHF",
        "JPY",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
    ]
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


@dataclass(frozen=True)
class Style:
    """One way in which numbers are written."""

    decimal: str
    groups: str = ""
    """The characters of which one separates thousands; empty: none does."""

    @property
    def pattern(self) -> str:
        """Return what matches a number without sign and unit, for RE2."""
        decimal = re.escape(self.decimal)
        exponent = "(?:[eE][-+]?[0-9]+)?"
        whole = "[0-9]+"
        if self.groups:
            sign = f"[{re.escape(self.groups)}]"
            # The Indian way groups by two, but for the last three.
            whole = f"(?:[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{2,3}})*{sign}[0-9]{{3}}|[0-9]+)"
        return f"(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+){exponent}"

    def read(self, bodies: pa.StringArray) -> np.ndarray:
        """Return the numbers, float64, that texts of this style mean."""
        for character in self.groups:
            bodies = pc.replace_substring(bodies, character, "")
        if self.decimal != ".":
            bodies = pc.replace_substring(bodies, self.decimal, ".")
        return np.asarray(pc.cast(bodies, pa.float64()).to_numpy(zero_copy_only=False))


POINT, COMMA = Style("."), Style(",")
POINT_GROUPED, COMMA_GROUPED = Style(".", ","), Style(",", ".")
_STYLES = (
    POINT,
    COMMA,
    POINT_GROUPED,
    COMMA_GROUPED,
    Style(".", _BLANKS),
    Style(",", _BLANKS),
    Style(".", "'\u2019"),
    Style(",", "'\u2019"),
)


@dataclass(frozen=True)
class Numbers:
    """What a column means if its texts are numbers."""

    amounts: np.ndarray
    """`(distinct,)`, float64; NaN where a text is none."""
    is_number: np.ndarray
    """`(distinct,)`, bool."""
    style: Style
    unit: str = ""
    is_whole: bool = False
    """Whether each is written without decimals."""
    code: str = ""
    """Why they are codes rather than numbers, a phrase; empty: they are numbers."""
    others: list["Numbers"] = field(default_factory=list)
    """Other ways to read the same texts, to other numbers."""
    is_mixed: bool = False
    """Whether some are written in one style and some in another."""
    remark: str = ""
    """What somebody should know of how they are written; a sentence, or nothing."""

    @property
    def proves_comma(self) -> bool:
        """Return whether they show beyond doubt that commas separate decimals."""
        return self.style.decimal == "," and not self.others and not self.is_whole

    @property
    def proves_point(self) -> bool:
        """Return whether they show beyond doubt that points separate decimals."""
        return self.style.decimal == "." and not self.others and not self.is_whole


def numbers_of(column: Distinct) -> Numbers | None:
    """Return what a column's texts mean as numbers; None where most of its rows hold none."""
    values, weights = column.entries, column.counts
    if not len(values):
        return None
    if _matches(values, _PLAIN).all():
        return _with_points_in_doubt(values, _read_plain(values))
    if len(values) > 1 and not _may_be_numbers(values, weights):
        return None
    values = pc.replace_substring(values, "\u2212", "-")
    prefix, suffix = _affixes(values, weights)
    bodies, negative = _bodies(values, prefix, suffix)
    fits = {style: _matches(bodies, f"^{style.pattern}$") for style in _STYLES}
    rows = {style: int(weights[fit].sum()) for style, fit in fits.items()}
    total = int(weights.sum())
    best = max(rows.values())
    any_style = np.logical_or.reduce(list(fits.values()))
    is_mixed = best < MOSTLY * total
    nothing = np.full(len(values), np.nan)
    if is_mixed and int(weights[any_style].sum()) < MOSTLY * total:
        do_differ = _units_differ(values, weights)
        return Numbers(nothing, any_style, POINT, is_mixed=True) if do_differ else None
    code = _code(values, fits[POINT])
    if prefix == "" and suffix == "" and code:
        return Numbers(nothing, fits[POINT], POINT, code=code)
    if total - FEWEST_GROUPED * total <= rows[POINT] < best:
        # A few cells with another mark in a column of plain numbers are odd.
        best, is_mixed = rows[POINT], False
    readings = _distinct_readings(bodies, negative, fits, [s for s in _STYLES if rows[s] == best])
    first, *others = readings
    unit = (prefix + suffix).strip()
    remark = ""
    if negative[first.is_number & (_matches(values, r"^\("))].any():
        remark = "numbers in parentheses are negative"
    return replace(first, unit=unit, others=others, is_mixed=is_mixed, remark=remark)


def share_of_numbers(column: Distinct) -> float:
    """Return the share of a column's rows that hold a plain number."""
    weights = column.counts
    if not len(weights):
        return 0.0
    return float(weights[_matches(column.entries, _PLAIN)].sum() / weights.sum())


def settled(numbers: Numbers, decimal: str) -> Numbers:
    """Return the reading with a certain decimal mark, where a column has several."""
    readings = (numbers, *numbers.others)
    chosen = next((each for each in readings if each.style.decimal == decimal), numbers)
    return replace(chosen, unit=numbers.unit, remark=numbers.remark, others=[])


def looks_like_pairs(values: pa.StringArray) -> bool:
    """Return whether texts such as `42,86` are pairs, the lesser number first, and no decimals."""
    if not _matches(values, "^[1-9][0-9]*,[1-9][0-9]*$").all() or len(values) < 20:  # noqa: PLR2004
        return False
    pairs = [tuple(map(int, text.split(","))) for text in values.to_pylist()]
    return all(low <= high for low, high in pairs)


def _read_plain(values: pa.StringArray) -> Numbers:
    everything = np.ones(len(values), dtype=bool)
    if code := _code(values, everything):
        return Numbers(np.full(len(values), np.nan), everything, POINT, code=code)
    is_whole = bool(_matches(values, _WHOLE).all())
    return Numbers(POINT.read(values), everything, POINT, is_whole=is_whole)


def _with_points_in_doubt(values: pa.StringArray, plain: Numbers) -> Numbers:
    """Return plain numbers, with another reading where every point may separate thousands."""
    if plain.code or plain.is_whole:
        return plain
    pointed = values.filter(pc.match_substring(values, "."))
    if not _matches(pointed, r"^-?[1-9][0-9]{0,2}\.[0-9]{3}$").all():
        return plain
    read = np.where(
        pc.match_substring(values, ".").to_numpy(zero_copy_only=False),
        plain.amounts * 1000,
        plain.amounts,
    ).round()
    other = Numbers(read, plain.is_number, COMMA_GROUPED, is_whole=True)
    return Numbers(plain.amounts, plain.is_number, POINT, others=[other])


def _may_be_numbers(values: pa.StringArray, weights: np.ndarray) -> bool:
    """Return whether a sample says that it is worth to look at every text."""
    places = np.linspace(0, len(values) - 1, min(len(values), 400)).astype(int)
    sample = values.take(pa.array(places)).to_pylist()
    fits = np.array([_AFFIXED.match(text.replace("\u2212", "-")) is not None for text in sample])
    return bool(fits.mean() > MOSTLY / 2) or bool(
        len(sample) == len(values) and weights[fits].sum() >= MOSTLY * weights.sum()
    )


def _affixes(values: pa.StringArray, weights: np.ndarray) -> tuple[str, str]:
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


def _units_differ(values: pa.StringArray, weights: np.ndarray) -> bool:
    """Return whether most texts of a sample are numbers of known units, but not of one."""
    places = np.linspace(0, len(values) - 1, min(len(values), 2000)).astype(int)
    found: Counter[str] = Counter()
    sample = values.take(pa.array(places)).to_pylist()
    for text, weight in zip(sample, weights[places].tolist(), strict=True):
        match = _AFFIXED.match(text)
        unit = (match["prefix"] + (match["suffix"] or "")).strip() if match else None
        if unit is not None and unit in _KNOWN_UNITS:
            found[unit] += weight
    return len(found) > 1 and found.total() >= MOSTLY * weights[places].sum()


def _bodies(values: pa.StringArray, prefix: str, suffix: str) -> tuple[pa.StringArray, np.ndarray]:
    """Return texts without sign and affixes, empty where they differ, and which are negative."""
    before = re.escape(prefix) + "[  \u00a0]?" if prefix else ""
    after = "[ \u00a0\u202f]?" + re.escape(suffix) if suffix else ""
    body = r"(?P<body>[0-9.,][0-9.,'\x{2019}\s\x{a0}\x{202f}\x{2009}eE+-]*)"
    open_ = rf"^(?P<sign>[-+])? ?{before}(?P<inner>[-+])?{body}{after}$"
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


def _distinct_readings(
    bodies: pa.StringArray,
    negative: np.ndarray,
    fits: dict[Style, np.ndarray],
    styles: list[Style],
) -> list[Numbers]:
    """Return the readings of texts that differ in what they mean, that of the first style first."""
    readings: list[Numbers] = []
    for style in styles:
        values = np.full(len(bodies), np.nan)
        fit = fits[style]
        values[fit] = style.read(bodies.filter(pa.array(fit)))
        values[negative] *= -1
        if all(not np.array_equal(values, each.amounts, equal_nan=True) for each in readings):
            has_decimals = _matches(bodies.filter(pa.array(fit)), f"[{re.escape(style.decimal)}eE]")
            readings.append(Numbers(values, fit, style, is_whole=not has_decimals.any()))
    return readings


def _code(values: pa.StringArray, is_plain: np.ndarray) -> str:
    """Return why texts that could be numbers are codes, a phrase; empty where they are none."""
    for pattern, why in (
        (_LEADING_ZERO, "leading zeros"),
        (_LONG_PLUS, "a plus sign before a long number"),
    ):
        if (found := _matches(values, pattern)).any():
            return f"{why} ({_first(values, found)})"
    exponents = _matches(values, _CODE_EXPONENT)
    if exponents.any() and not pc.any(pc.match_substring(values, ".")).as_py():
        return f"digits around a letter ({_first(values, exponents)})"
    whole = _matches(values, _WHOLE)
    long = _matches(values, "^[-+]?[0-9]{16,}$")
    if long.any() and whole[is_plain].all():
        large = np.array(
            [abs(int(v)) > LARGEST_INTEGER for v in values.filter(pa.array(long)).to_pylist()]
        )
        if large.any():
            return f"more digits than a number keeps ({_first(values, long)})"
    return ""


def _first(values: pa.StringArray, is_meant: np.ndarray) -> str:
    return str(values[int(np.flatnonzero(is_meant)[0])])


def _matches(values: pa.StringArray, pattern: str) -> np.ndarray:
    return np.asarray(
        pc.match_substring_regex(values, pattern).to_numpy(zero_copy_only=False), dtype=bool
    )
