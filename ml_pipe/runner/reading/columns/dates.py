"""Dates as people write them, each column in one form, read as a request of that form is read."""

import itertools
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml_pipe.runner.reading.columns.distinct import MOSTLY, Distinct, matches

ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$"
ISO_OFFSET = r"[T ]\d{2}:\d{2}[^ ]*(Z|[+-]\d{2}:\d{2})$"
ZERO = r"^(0000[-/.]00[-/.]00|00[-/.]00[-/.](0000|00)|00000000)([T ]00:00(:00(\.0+)?)?)?$"
"""How databases write that there is no date."""

_MAY_BE = re.compile(
    r"\d{4}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2}|\d{8}(?:T?\d{6}Z?)?$"
    r"|\d{4}[ -][A-Za-z]{3}|\d{1,2}/\d{4}$|.*[A-Za-z]{3}.*\d"
)
_NUMERIC = re.compile(r"(\d{1,4})([-/.])(\d{1,2})(?:\2(\d{1,4}))?(?=$|[T ,])")
_TIME = re.compile(
    r"(?P<gap>,? |T|, |:)(?P<hour>\d{1,2}):\d{2}(?P<seconds>:\d{2})?(?P<fraction>[.,]\d{1,6})?"
    r"(?P<half> ?[AaPp]\.?[Mm]\.?)?(?P<offset> ?(?:Z|[+-]\d{2}:?\d{2})| UTC| GMT)?$"
)
_NAMED = (
    (re.compile(r"\d{1,2}([ .-]+|/)[A-Za-z]+([ .,-]+|/)\d{4}(?=$|[T ,:])"), "%d{0}{b}{1}%Y"),
    (re.compile(r"\d{1,2}([ .-]+)[A-Za-z]+([ .,-]+)\d{2}(?=$|[T ,])"), "%d{0}{b}{1}%y"),
    (re.compile(r"[A-Za-z]+([ .-]+)\d{1,2}(,? |-|,)\d{4}(?=$|[T ,])"), "{b}{0}%d{1}%Y"),
    (re.compile(r"\d{4}([ -])[A-Za-z]+([ -])\d{1,2}(?=$|[T ,])"), "%Y{0}{b}{1}%d"),
    (re.compile(r"[A-Za-z]+([ .,-]+)\d{4}$"), "{b}{0}%Y"),
    (re.compile(r"[A-Za-z]{3}(-)\d{2}$"), "{b}{0}%y"),
    (re.compile(r"\d{4}([ -])[A-Za-z]+$"), "%Y{0}{b}"),
)
_FOREIGN = re.compile(r"\d{1,2}\.? [^\W\d_]{3,10}\.? \d{4}$")
_NAMED_ZONES = (" UTC", " GMT")
_UNREAD = (
    r"^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[Tt ,]\s?\d.*)?"
    r"|\d{1,2}[-/]\d{1,2}[-/](?:\d{4}|\d{2})"
    r"(?:[T ,]\s?\d.*)?|\d{1,2}\.\d{1,2}\.\d{4}(?:[T ,]\s?\d.*)?"
    r"|\d{4}年.*|(?:[A-Za-z]{3,9},? )?\d{1,2}(?:st|nd|rd|th)? [A-Za-z]{3,9}\.?,? \d{4}(?:[T ,].*)?"
    r"|\d{1,2}[-/][A-Za-z]{3}[-/](?:\d{4}|\d{2})(?:[ :].*)?"
    r"|(?:[A-Za-z]{3,9},? )?(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}"
    r"(?:st|nd|rd|th)?,? ?(?:\d\d:\d\d.* )?\d{4}(?:[ ,].*)?)$"
)
"""Dates, but in no form that is read."""
DAY_FIRST, MONTH_FIRST = "day-first", "month-first"


@dataclass(frozen=True)
class Dates:
    """What a column means if its texts are dates."""

    moments: np.ndarray
    """`(distinct,)`, datetime64[us], in UTC; NaT where a text is none."""
    form: str
    time_zone: str
    has_times: bool
    others: tuple[str, ...] = ()
    """Other forms in which as many of the texts are dates."""
    is_mixed: bool = False
    """Whether some are written in one form and some in another."""

    @property
    def is_date(self) -> np.ndarray:
        """Return which texts are dates, `(distinct,)`, bool."""
        return np.asarray(~np.isnat(self.moments))


def dates_of(
    column: Distinct, order: str = "", form: str = "", time_zone: str = ""
) -> Dates | None:
    """Return what a column's texts mean as dates; None where most of its rows hold none.

    Args:
        column: the texts, those for missing dates left out.
        order: day-first or month-first, where both fit; empty: unknown.
        form: the pattern of `strptime` to read by; empty: the one that fits.
        time_zone: of times without an offset; empty: UTC.
    """
    if not len(column.entries):
        return None
    weights, total = column.counts, int(column.counts.sum())
    sample = _sample(column.entries, 200)
    if not form:
        if np.mean([_MAY_BE.match(text) is not None for text in sample]) < MOSTLY / 2:
            return None
        iso = matches(column.entries, ISO)
        if weights[iso].sum() >= MOSTLY * total:
            found = _iso(column.entries, iso, time_zone)
            if weights[found.is_date].sum() >= MOSTLY * total:
                return found
    forms = [form] if form else list(dict.fromkeys(itertools.chain(*map(forms_of, sample))))
    read = {each: _read(column.entries, each) for each in forms}
    rows = {each: int(weights[~np.isnat(values)].sum()) for each, values in read.items()}
    best = max(rows.values(), default=0)
    if not form and best < MOSTLY * total:
        any_form = np.logical_or.reduce([iso, *(~np.isnat(values) for values in read.values())])
        if best and weights[any_form].sum() >= MOSTLY * total:
            return Dates(read[max(rows, key=rows.__getitem__)], "", "", False, is_mixed=True)
    if not best or (not form and best < MOSTLY * total):
        return None
    fitting = _with_likely_years([each for each in forms if rows[each] == best], read)
    chosen = _by_order(fitting, order)
    has_times = "%H" in chosen or "%I" in chosen
    zone = _zone_of(chosen, (has_times and time_zone) or "UTC")
    values = to_utc(read[chosen], zone) if zone else read[chosen]
    others = tuple(each for each in fitting if _differs(each, chosen, read))
    if order and order_of(chosen) == order:
        others = ()
    return Dates(values, chosen, zone, has_times, others)


def _zone_of(form: str, time_zone: str) -> str:
    if "%z" in form:
        return ""
    return "UTC" if form.endswith(_NAMED_ZONES) else time_zone


def forms_of(text: str) -> list[str]:
    """Return the patterns of `strptime` that a text may be written in; ISO 8601 is none of them."""
    if whole := [form for pattern, form in _WHOLE_FORMS if pattern.fullmatch(text)]:
        return whole
    if match := _NUMERIC.match(text):
        forms = _numeric_forms(match)
    else:
        day = re.match(r"(?:[A-Za-z]{3,9}),? (?=\d|[A-Za-z])", text)
        weekday = ""
        if day and day[0].strip(", ").lower()[:3] in _WEEKDAYS:
            name = day[0].rstrip(" ,")
            weekday = ("%a" if len(name) == 3 else "%A") + day[0][len(name) :]  # noqa: PLR2004
            text = text[day.end() :]
        match = next((m for pattern, _ in _NAMED if (m := pattern.match(text))), None)
        if match is None:
            return []
        template = next(t for pattern, t in _NAMED if pattern.match(text))
        forms = [weekday + template.format(*match.groups(), b=b) for b in ("%b", "%B")]
    rest = text[match.end() :]
    if not rest:
        return forms
    if not (time := _TIME.fullmatch(rest)):
        return []
    clock = "%I:%M" if time["half"] else "%H:%M"
    clock += ":%S" * bool(time["seconds"])
    if time["fraction"]:
        clock += f"{time['fraction'][0]}%f"
    if time["half"]:
        clock += " %p" if time["half"].startswith(" ") else "%p"
    offset = time["offset"] or ""
    if offset and offset not in _NAMED_ZONES:
        offset = " %z" if offset.startswith(" ") else "%z"
    return [form + time["gap"] + clock + offset for form in forms]


_WHOLE_FORMS = (
    (re.compile(r"\d{8}"), "%Y%m%d"),
    (re.compile(r"\d{1,2}/\d{4}"), "%m/%Y"),
    (re.compile(r"\d{14}"), "%Y%m%d%H%M%S"),
    (re.compile(r"\d{8}T\d{6}"), "%Y%m%dT%H%M%S"),
    (re.compile(r"\d{8}T\d{6}Z"), "%Y%m%dT%H%M%S%z"),
    (
        re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \d{4}"),
        "%a %b %d %H:%M:%S %Y",
    ),
    (
        re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d{1,2} \d\d:\d\d:\d\d [+-]\d{4} \d{4}"),
        "%a %b %d %H:%M:%S %z %Y",
    ),
)
_WEEKDAYS = frozenset(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])


def _numeric_forms(match: re.Match[str]) -> list[str]:
    first, mark, second, third = match.groups()
    if len(first) == 4:  # noqa: PLR2004 - a year
        return [f"%Y{mark}%m{mark}%d" if third else f"%Y{mark}%m"]
    if third is None:
        return []
    if len(third) == 4:  # noqa: PLR2004
        year = "%Y"
    elif len(third) == 2 and (mark == "/" or (len(first), len(second)) == (2, 2)):  # noqa: PLR2004
        year = "%y"
    else:
        return []
    forms = [f"%d{mark}%m{mark}{year}"]
    if mark != ".":
        # Who separates by points writes the day first.
        forms.append(f"%m{mark}%d{mark}{year}")
    if year == "%y" and mark != ".":
        forms.append(f"%y{mark}%m{mark}%d")
    return forms


def unread(column: Distinct) -> str:
    """Return an example of texts that are dates to whoever looks; empty: most are none."""
    found, weights = matches(column.entries, _UNREAD), column.counts
    if not found.any() or weights[found].sum() < MOSTLY * weights.sum():
        return ""
    read = next((t for t in column.entries.filter(pa.array(found)).to_pylist()), "")
    return str(read)


def is_foreign(column: Distinct) -> bool:
    """Return whether most texts look like dates whose months are named in another language."""
    sample = _sample(column.entries, 100)
    return bool(sample) and bool(
        np.mean([_FOREIGN.match(text) is not None for text in sample]) >= MOSTLY
    )


def is_zero(column: Distinct) -> np.ndarray:
    """Return which texts are the zero of dates, as in 0000-00-00, `(distinct,)`, bool."""
    zeros = pc.starts_with(column.entries, "00")
    if not pc.any(zeros).as_py():
        return np.zeros(len(column.entries), dtype=bool)
    return matches(column.entries, ZERO)


def to_utc(moments: np.ndarray, time_zone: str) -> np.ndarray:
    """Return moments in UTC from those of a zone's clocks; the doubtful as `read_moment` does."""
    if time_zone == "UTC":
        return moments
    zone = ZoneInfo(time_zone)
    minutes, places = np.unique(moments.astype("datetime64[m]"), return_inverse=True)
    offsets = [
        np.timedelta64("NaT", "us")
        if moment is None
        else np.timedelta64(moment.replace(tzinfo=zone).utcoffset(), "us")
        for moment in minutes.astype("datetime64[us]").tolist()
    ]
    return np.asarray(moments - np.array(offsets, dtype="timedelta64[us]")[places])


def _iso(values: pa.LargeStringArray, is_iso: np.ndarray, time_zone: str) -> Dates:
    texts = pd.Series(values.to_pandas()).where(is_iso)
    moments = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    read = moments.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    with_offset = matches(values, ISO_OFFSET)
    colons = pc.match_substring(values, ":").to_numpy(zero_copy_only=False)
    has_times = bool((colons & is_iso).any())
    bare = is_iso & ~with_offset
    zone = ""
    if bare.any():
        zone = time_zone if has_times and time_zone else "UTC"
        read = np.where(bare, to_utc(read, zone), read)
    return Dates(read, "", zone, has_times)


def _read(values: pa.LargeStringArray, form: str) -> np.ndarray:
    """Return what texts mean in a form, datetime64[us], NaT where one is not of it."""
    # A leap second has no place in anybody's calendar.
    texts = pd.Series(values.to_pandas()).mask(matches(values, ":6[0-9]"))
    try:
        moments = pd.to_datetime(texts, format=form, errors="coerce", utc="%z" in form)
    except ValueError:
        return np.full(len(values), np.datetime64("NaT"), dtype="datetime64[us]")
    if "%z" in form:
        moments = moments.dt.tz_localize(None)
    return np.asarray(moments.to_numpy(), dtype="datetime64[us]")


def _with_likely_years(forms: list[str], read: dict[str, np.ndarray]) -> list[str]:
    """Return forms without a year first that would make more years of them than a year last."""
    years = {
        form: len(np.unique(read[form][~np.isnat(read[form])].astype("datetime64[Y]")))
        for form in forms
    }
    last = [years[form] for form in forms if form.endswith("%y")]
    if not last:
        return forms
    return [f for f in forms if not f.startswith("%y") or years[f] <= min(last)]


def _differs(form: str, chosen: str, read: dict[str, np.ndarray]) -> bool:
    same = np.array_equal(read[form].view("int64"), read[chosen].view("int64"))
    return not same or order_of(form) != order_of(chosen)


def _by_order(forms: list[str], order: str) -> str:
    return next((form for form in forms if order and order_of(form) == order), forms[0])


def order_of(form: str) -> str:
    """Return whether a form begins with the day or the month; nothing where it is neither."""
    if "%d" not in form or "%m" not in form or form.startswith(("%Y", "%y")):
        return ""
    return DAY_FIRST if form.index("%d") < form.index("%m") else MONTH_FIRST


def _sample(values: pa.LargeStringArray, most: int) -> list[str]:
    places = np.linspace(0, len(values) - 1, min(len(values), most)).astype(int)
    found: list[str] = values.take(pa.array(places)).to_pylist()
    return found
