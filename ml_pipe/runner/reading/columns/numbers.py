"""Numbers as people write them: decimal commas, thousands, percent, currencies, units.

A column is read in one way, or not at all: its own cells decide, no other column's.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_pipe.runner.reading.columns.codes import why_codes
from ml_pipe.runner.reading.columns.distinct import MOSTLY, Distinct, matches
from ml_pipe.runner.reading.columns.units import (
    abbreviation,
    affixes_of,
    bodies_of,
    cleaned,
    may_be_numbers,
    units_differ,
)

FEWEST_GROUPED = 0.01
"""Thousands that fewer rows separate are odd cells in a column of plain numbers."""

FEW_CODES = 0.02
"""Of the rows: fewer that look like codes are odd cells in a column of plain numbers."""

_BLANKS = "  \u00a0\u202f\u2009"  # an ordinary one, no-break, narrow, thin
_PLAIN = r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
_WHOLE = r"^[-+]?[0-9]+$"


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

    def read(self, bodies: pa.LargeStringArray) -> np.ndarray:
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
    factor: str = ""
    """A text that abbreviates a number, as in 1.2M; empty: none does."""
    may_be_grouped: bool = False
    """Whether every point may separate thousands, and shorter numbers stand without one."""
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
    if len(values) and matches(values, _PLAIN).all():
        return _with_points_in_doubt(values, _read_plain(values, weights))
    if not len(values) or (len(values) > 1 and not may_be_numbers(values, weights)):
        return None
    if factor := abbreviation(values, weights):
        everything = np.ones(len(values), dtype=bool)
        return Numbers(np.full(len(values), np.nan), everything, POINT, factor=factor)
    values, trails = cleaned(values)
    prefix, suffix = affixes_of(values, weights)
    bodies, negative = bodies_of(values, prefix, suffix)
    fits = {style: matches(bodies, f"^{style.pattern}$") for style in _STYLES}
    rows = {style: int(weights[fit].sum()) for style, fit in fits.items()}
    total = int(weights.sum())
    best = max(rows.values())
    any_style = np.logical_or.reduce(list(fits.values()))
    is_mixed = best < MOSTLY * total
    nothing = np.full(len(values), np.nan)
    if is_mixed and int(weights[any_style].sum()) < MOSTLY * total:
        do_differ = units_differ(values, weights)
        return Numbers(nothing, any_style, POINT, is_mixed=True) if do_differ else None
    code, coded = why_codes(values, fits[POINT])
    if prefix == "" and suffix == "" and code:
        if weights[coded].sum() > FEW_CODES * total:
            return Numbers(nothing, fits[POINT], POINT, code=code)
        fits = {style: fit & ~coded for style, fit in fits.items()}
        rows = {style: int(weights[fit].sum()) for style, fit in fits.items()}
        best = max(rows.values())
    if total - FEWEST_GROUPED * total <= rows[POINT] < best:
        # A few cells with another mark in a column of plain numbers are odd.
        best, is_mixed = rows[POINT], False
    readings = _distinct_readings(bodies, negative, fits, [s for s in _STYLES if rows[s] == best])
    first, *others = readings
    unit = (prefix + suffix).strip()
    remark = ""
    if negative[first.is_number & (matches(values, r"^\("))].any():
        remark = "numbers in parentheses are negative"
    elif trails:
        remark = "numbers with a minus behind them are negative"
    return replace(first, unit=unit, others=others, is_mixed=is_mixed, remark=remark)


def share_of_numbers(column: Distinct) -> float:
    """Return the share of a column's rows that hold a plain number."""
    weights = column.counts
    if not len(weights):
        return 0.0
    return float(weights[matches(column.entries, _PLAIN)].sum() / weights.sum())


def settled(numbers: Numbers, decimal: str) -> Numbers:
    """Return the reading with a certain decimal mark, where a column has several."""
    readings = (numbers, *numbers.others)
    chosen = next((each for each in readings if each.style.decimal == decimal), numbers)
    return replace(chosen, unit=numbers.unit, remark=numbers.remark, others=[])


def looks_like_pairs(values: pa.LargeStringArray) -> bool:
    """Return whether texts such as `42,86` are pairs, the lesser number first, and no decimals."""
    if not matches(values, "^[1-9][0-9]*,[1-9][0-9]*$").all() or len(values) < 20:  # noqa: PLR2004
        return False
    pairs = [tuple(map(int, text.split(","))) for text in values.to_pylist()]
    return all(low <= high for low, high in pairs)


def _read_plain(values: pa.LargeStringArray, weights: np.ndarray) -> Numbers:
    everything = np.ones(len(values), dtype=bool)
    amounts = np.full(len(values), np.nan)
    code, coded = why_codes(values, everything)
    if weights[coded].sum() > FEW_CODES * weights.sum():
        return Numbers(amounts, everything, POINT, code=code)
    amounts[~coded] = POINT.read(values.filter(pa.array(~coded)))
    is_whole = bool(matches(values, _WHOLE)[~coded].all())
    return Numbers(amounts, ~coded, POINT, is_whole=is_whole)


def _with_points_in_doubt(values: pa.LargeStringArray, plain: Numbers) -> Numbers:
    """Return plain numbers, with another reading where every point may separate thousands."""
    if plain.code or plain.is_whole:
        return plain
    pointed = values.filter(pc.match_substring(values, "."))
    if not matches(pointed, r"^-?[1-9][0-9]{0,2}\.[0-9]{3}$").all():
        return plain
    read = np.where(
        pc.match_substring(values, ".").to_numpy(zero_copy_only=False),
        plain.amounts * 1000,
        plain.amounts,
    ).round()
    other = Numbers(read, plain.is_number, COMMA_GROUPED, is_whole=True)
    rest = plain.amounts[~pc.match_substring(values, ".").to_numpy(zero_copy_only=False)]
    may_be_grouped = len(rest) > 0 and bool((np.abs(rest) < 1000).all())  # noqa: PLR2004 - grouped
    return Numbers(
        plain.amounts, plain.is_number, POINT, others=[other], may_be_grouped=may_be_grouped
    )


def _distinct_readings(
    bodies: pa.LargeStringArray,
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
            has_decimals = matches(bodies.filter(pa.array(fit)), f"[{re.escape(style.decimal)}eE]")
            readings.append(Numbers(values, fit, style, is_whole=not has_decimals.any()))
    return readings
