"""Datetimes as a request or a table writes them, to moments in UTC.

RFC 3339 with an offset is always read. A column's signature may add two things: the `time_zone` in
which it reads dates and times without an offset, and the `form` in which its training table wrote
them. Training and serving both read by `read_moment`, so that one text is one moment.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from model_store.schema.signature import EPOCH_MILLISECONDS, EPOCH_SECONDS, Column

# A datetime's offset is required: without one, nobody knows which moment is meant.
AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)]

NUMBER_FORMS = frozenset({EPOCH_SECONDS, EPOCH_MILLISECONDS, "%Y%m%d"})
"""The forms that a table, and so a request, may write as a number."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, without saying so, as all of our columns
_PER_SECOND = {EPOCH_SECONDS: 1, EPOCH_MILLISECONDS: 1000}
_COMPACT_OFFSET = re.compile(r"[+-]\d{4}$")
_WITHOUT_OFFSET = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?")


def read_moment(value: str | float, column: Column) -> datetime:
    """Return the moment that a value of a datetime column means: in UTC, without a zone.

    A time that a zone has twice, when summer ends, is the first of the two; one that it skips is
    read with the offset before the gap.

    Args:
        value: RFC 3339; where the column has a `time_zone`, ISO 8601 without an offset; where it
            has a `form`, a text or number of that form.
        column: of kind datetime.

    Raises:
        ValueError: it is none of these, or outside the years 1 to 9999.
    """
    try:
        if not isinstance(value, str):
            return _of_number(value, column)
        if column.form and (moment := _in_form(value, column)):
            return moment
        if column.time_zone and _WITHOUT_OFFSET.fullmatch(value):
            return _to_utc(datetime.fromisoformat(value), column.time_zone)
        if is_compact_offset(value):
            raise ValueError
        moment = msgspec.convert(value, AwareDatetime)
        return moment.astimezone(UTC).replace(tzinfo=None)
    except (msgspec.ValidationError, OverflowError):
        raise ValueError from None


def is_compact_offset(text: str) -> bool:
    """Return whether a datetime ends in an offset without a colon, which RFC 3339 forbids."""
    return bool(_COMPACT_OFFSET.search(text))


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
        return None
    try:
        moment = datetime.strptime(text, column.form)  # noqa: DTZ007 - its zone is the column's
    except ValueError:
        return None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC).replace(tzinfo=None)
    return _to_utc(moment, column.time_zone or "UTC")


def _to_utc(moment: datetime, time_zone: str) -> datetime:
    return moment.replace(tzinfo=_zone(time_zone)).astimezone(UTC).replace(tzinfo=None)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
