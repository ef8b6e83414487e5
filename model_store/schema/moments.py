"""Datetimes as a request or a table writes them, to moments in UTC.

RFC 3339 with an offset is always read, and first. A column's signature may add two things: the
`form` in which its training table wrote them, and the `time_zone` in which it reads dates and times
without an offset. Training and serving both read by these functions, so that one text is one
moment.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated

import msgspec
import numpy as np

from model_store.schema.moment_forms import moment_form
from model_store.schema.moment_shapes import read_shape, shape_of
from model_store.schema.signature import EPOCH_MILLISECONDS, EPOCH_SECONDS, Column
from model_store.schema.time_zones import zone

# A datetime's offset is required: without one, nobody knows which moment is meant.
AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)]

NUMBER_FORMS = frozenset({EPOCH_SECONDS, EPOCH_MILLISECONDS, "%Y%m%d", "%Y%m%d%H%M%S"})
"""The forms that a table, and so a request, may write as a number."""

Value = str | int | float
"""A datetime as JSON writes it."""

Moments = np.ndarray
"""Of datetime64[us], UTC, `(rows,)`; NaT is missing."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, without saying so, as all of our columns
_PER_SECOND = {EPOCH_SECONDS: 1, EPOCH_MILLISECONDS: 1000}
_WITHOUT_OFFSET = re.compile(
    r"\d{4}-\d\d-\d\d([T ]([01]\d|2[0-3]):\d\d(:\d\d(\.\d{1,9})?)?)?", re.ASCII
)
_LOOSE = re.compile(
    r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)(?::(\d\d)(?:(\.\d{1,6})\d{0,3})?)?(Z|[+-]\d\d:\d\d)$",
    re.ASCII,
)
"""With an offset, but without seconds, or with nanoseconds: tables have them."""
_SHORTEST_EXACT, _LONGEST_EXACT = (
    len("2024-01-31T10:00:00+01:00"),
    len("2024-01-31T10:00:00.123456Z"),
)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
_SOME_MOMENT = datetime(2024, 1, 31, 10)  # noqa: DTZ001 - an example


def read_moment(value: Value, column: Column) -> datetime:
    """Return the moment that a value of a datetime column means: in UTC, without a zone.

    A time that a zone has twice, when summer ends, is the first of the two; one that it skips is
    read with the offset before the gap. Blanks around a text without an offset do not count.

    Args:
        value: RFC 3339; where the column has a `form`, a text of that form, or a number where that
            is one; where it has a `time_zone`, ISO 8601 without an offset.
        column: of kind datetime.

    Raises:
        ValueError: it is none of these, or outside the years 1 to 9999.
    """
    try:
        if not isinstance(value, str):
            return _of_number(value, column)
        if moment := rfc_3339(value):
            return moment
        text = value.strip()
        if column.form and (moment := _in_form(text, column)):
            return moment
        if column.time_zone and _WITHOUT_OFFSET.fullmatch(text):
            return _to_utc(datetime.fromisoformat(text), column.time_zone)
    except (OverflowError, ValueError):
        # Some of these name the value.
        pass
    raise ValueError


def rfc_3339(text: str) -> datetime | None:
    """Return the moment of a text of RFC 3339, in UTC without a zone; None: it is none."""
    # An offset without its colon, which msgspec takes and RFC 3339 does not know.
    if text[-5:-4] in {"+", "-"}:
        return None
    if len(text) > _LONGEST_EXACT or len(text) < _SHORTEST_EXACT:
        text = _LOOSE.sub(_exact, text)
    try:
        moment = msgspec.convert(text, AwareDatetime)
        if moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None
    return moment.replace(tzinfo=None)


def _exact(found: re.Match[str]) -> str:
    """Return a text with seconds, and with the six digits of a fraction that are kept."""
    minutes, seconds, fraction, offset = found.groups()
    return f"{minutes}:{seconds or '00'}{fraction or ''}{offset}"


def read_moments(values: Sequence[Value | None], column: Column) -> Moments:
    """Return what `read_moment` returns for each value, and NaT for None: the same, but faster.

    Raises:
        ValueError: `read_moment` refuses one.
    """
    if (found := rfc_3339_moments(values)) is not None:
        return found
    if column.time_zone in {"", "UTC"} and (shape := _shape(values, column)):
        found = read_shape(shape, values)
        if found is not None:
            return found
    # A day comes often, in many a table.
    known: dict[Value | None, datetime | None] = {None: None}
    for value in values:
        if value not in known:
            known[value] = read_moment(value, column)  # type: ignore[arg-type]
    return np.array([known[value] for value in values], "datetime64[us]")


def rfc_3339_moments(values: Sequence[Value | None]) -> Moments | None:
    """Return the moments of texts of RFC 3339, NaT for None; None: one is no such text."""
    first = next((value for value in values if value is not None), "")
    if isinstance(first, str) and (shape := shape_of(first, with_offset=True)):
        found = read_shape(shape, values)
        if found is not None:
            return found
    moments: list[datetime | None] = []
    for value in values:
        moment = rfc_3339(value) if isinstance(value, str) else None
        if moment is None and value is not None:
            return None
        moments.append(moment)
    return np.array(moments, "datetime64[us]")


def as_text(moment: datetime) -> str:
    """Return the text of RFC 3339 that stands for a moment in UTC without a zone."""
    return f"{moment.isoformat()}Z"


def example_moment(column: Column) -> str | int:
    """Return a datetime as a request may write it in this column: in the form of its own table."""
    moment = rfc_3339(str(column.minimum)) or _SOME_MOMENT
    if column.form in _PER_SECOND:
        return round((moment - _EPOCH).total_seconds() * _PER_SECOND[column.form])
    try:
        local = moment.replace(tzinfo=UTC).astimezone(zone(column.time_zone or "UTC"))
    except OverflowError:
        local = moment
    local = local.replace(tzinfo=None)
    if column.form:
        return moment_form(column.form).write(local)
    if not column.time_zone:
        return as_text(moment)
    text = local.isoformat()
    return text.removesuffix("T00:00:00")


def _of_number(value: float, column: Column) -> datetime:
    if column.form not in NUMBER_FORMS or isinstance(value, bool):
        raise ValueError
    if column.form in _PER_SECOND:
        factor = 1_000_000 // _PER_SECOND[column.form]
        return _EPOCH + timedelta(microseconds=round(value * factor))
    moment = _in_form(f"{value:.0f}", column) if value == round(value) else None
    if moment is None:
        raise ValueError
    return moment


def _in_form(text: str, column: Column) -> datetime | None:
    if column.form in _PER_SECOND:
        return _of_number(float(text), column) if _NUMBER.fullmatch(text) else None
    moment = moment_form(column.form).read(text)
    if moment is None:
        return None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC).replace(tzinfo=None)
    return _to_utc(moment, column.time_zone or "UTC")


def _to_utc(moment: datetime, time_zone: str) -> datetime:
    return moment.replace(tzinfo=zone(time_zone)).astimezone(UTC).replace(tzinfo=None)


def _shape(values: Sequence[Value | None], column: Column) -> str:
    """Return the shape of a column's texts; empty: they have none of a fixed width."""
    if column.form:
        return "" if column.form in _PER_SECOND else _form_shape(column.form)
    if not column.time_zone:
        return ""
    first = next((value for value in values if value is not None), "")
    return shape_of(first, with_offset=False) if isinstance(first, str) else ""


@lru_cache(maxsize=256)
def _form_shape(form: str) -> str:
    widths = {"Y": "YYYY", "m": "mm", "d": "dd", "H": "HH", "M": "MM", "S": "SS"}
    parts = moment_form(form).parts
    if any((letter or "Y") not in widths for letter, _ in parts):
        return ""
    # Letters of a shape; a blank, which may be several; an offset, of which RFC 3339 is read first.
    if any(set(text) & set("YmdHMSfZz+ 0123456789") for _, text in parts):
        return ""
    return "".join(widths[letter] if letter else text for letter, text in parts)
