"""Dates and times as people write them."""

from datetime import datetime

from tests.ml_pipe.runner.reading.corpus.variant import Variant, one, text


def day(month: int, number: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """Return a moment of 2024 in UTC."""
    return datetime(2024, month, number, hour, minute, second)  # noqa: DTZ001 - as tables keep them


JANUARY_31, MARCH_2 = day(1, 31), day(3, 2)
DAYS = [JANUARY_31, MARCH_2]


def form(pattern: str, zone: str = "UTC") -> dict[str, dict[str, str]]:
    """Return what the signature says of a column of dates."""
    return {"a": {"form": pattern, "time_zone": zone}}


TIMES = [day(1, 31, 10), day(3, 2, 11, 30)]
WEB = ["Wed, 31 Jan 2024 10:00:00 GMT", "Sat, 02 Mar 2024 11:30:00 GMT"]
UK = ["29/01/24", "30/03/24", "31/05/24"]
BERLIN = {"time_zone": "Europe/Berlin"}
DATES = [
    one("ISO days", ["2024-01-31", "2024-03-02"], DAYS, signature=form("")),
    one(
        "ISO times",
        ["2024-01-31T10:00:00Z"] * 2 + ["2024-03-02 11:30:00+02:00"],
        [day(1, 31, 10)] * 2 + [day(3, 2, 9, 30)],
        signature=form("", ""),
    ),
    one(
        "ISO times without a zone",
        ["2024-01-31 10:00", "2024-03-02T11:30:15"],
        [day(1, 31, 10), day(3, 2, 11, 30, 15)],
        signature=form(""),
        noted="are those of UTC",
    ),
    one(
        "ISO times in a zone",
        ["2024-01-31 10:00", "2024-07-02 11:30"],
        [day(1, 31, 9), day(7, 2, 9, 30)],
        signature=form("", "Europe/Berlin"),
        options=BERLIN,
    ),
    one(
        "the hour that is skipped",
        ["2024-03-31 02:30", "2024-03-31 03:30"],
        [day(3, 31, 1, 30), day(3, 31, 1, 30)],
        options=BERLIN | {"keep": ["a"]},
    ),
    one(
        "the hour that is there twice",
        ["2024-10-27 02:30", "2024-10-27 03:30"],
        [day(10, 27, 0, 30), day(10, 27, 2, 30)],
        options=BERLIN,
    ),
    one(
        "offsets without a colon",
        ["2024-01-31T10:00:00+0200", "2024-03-02T10:00:00+0200"],
        [day(1, 31, 8), day(3, 2, 8)],
        signature=form("%Y-%m-%dT%H:%M:%S%z", ""),
    ),
    one("day first", ["31/01/2024", "02/03/2024"], DAYS, signature=form("%d/%m/%Y")),
    one("month first", ["01/31/2024", "03/02/2024"], DAYS, signature=form("%m/%d/%Y")),
    one(
        "day or month first",
        ["01/02/2024", "03/04/2024"],
        '"01/02/2024" is 1 February 2024 or 2 Jan',
    ),
    one(
        "day or month first, decided",
        ["02/01/2024", "04/03/2024"],
        [day(1, 2), day(3, 4)],
        options={"date_order": "day-first"},
    ),
    one(
        "day or month first, decided for one column",
        ["02/01/2024", "04/03/2024"],
        [day(2, 1), day(4, 3)],
        options={"read_as": ["a:month-first"]},
    ),
    one("day first, with dashes", ["31-01-2024", "02-03-2024"], DAYS, signature=form("%d-%m-%Y")),
    one("points", ["31.01.2024", "02.03.2024"], DAYS, signature=form("%d.%m.%Y")),
    one("points, in doubt, are day first", ["01.02.2024", "03.04.2024"], [day(2, 1), day(4, 3)]),
    one("points without zeros", ["31.1.2024", "2.3.2024"], DAYS, signature=form("%d.%m.%Y")),
    one("American, short", ["1/31/24", "3/2/24"], DAYS, signature=form("%m/%d/%y")),
    one("two digits of a year, in doubt", ["01-02-03", "04-05-06"], "can be read in 3 ways"),
    one("year first, slashes", ["2024/01/31", "2024/3/2"], DAYS, signature=form("%Y/%m/%d")),
    one("named months", ["31 Jan 2024", "2 Mar 2024"], DAYS, signature=form("%d %b %Y")),
    one(
        "named months with dashes", ["31-Jan-2024", "02-Mar-2024"], DAYS, signature=form("%d-%b-%Y")
    ),
    one("months first, named", ["Jan 31, 2024", "Mar 2, 2024"], DAYS, signature=form("%b %d, %Y")),
    one("full months", ["January 31, 2024", "March 2, 2024"], DAYS, signature=form("%B %d, %Y")),
    one("months of another language", ["31 januari 2024", "2 maart 2024"], "no English names"),
    one("weekdays", ["Wed, 31 Jan 2024", "Sat, 02 Mar 2024"], DAYS, signature=form("%a, %d %b %Y")),
    one("eight digits", ["20240131", "20240302"], DAYS, signature=form("%Y%m%d")),
    one(
        "months alone",
        ["2024-01", "2023-12"],
        [day(1, 1), datetime(2023, 12, 1)],  # noqa: DTZ001
        signature=form("%Y-%m"),
    ),
    one("month and year", ["01/2024", "03/2024"], [day(1, 1), day(3, 1)], signature=form("%m/%Y")),
    one(
        "day first with a time",
        ["31/01/2024 10:00", "02/03/2024 23:15"],
        [day(1, 31, 10), day(3, 2, 23, 15)],
        signature=form("%d/%m/%Y %H:%M"),
    ),
    one(
        "twelve hours",
        ["1/31/2024 1:05 PM", "3/2/2024 11:00 AM"],
        [day(1, 31, 13, 5), day(3, 2, 11)],
        signature=form("%m/%d/%Y %I:%M %p"),
    ),
    one(
        "dates of zeros",
        ["2024-01-31"] * 23 + ["0000-00-00"],
        [JANUARY_31] * 23 + [None],
        noted='"0000-00-00" in 1 row',
        options={"keep": ["a"]},
    ),
    one(
        "a word for missing",
        ["31/01/2024", "02/03/2024", "N/A"],
        [*DAYS, None],
        noted='"N/A" in 8 rows',
    ),
    one(
        "a day that is none",
        ["2024-01-31"] * 23 + ["2024-02-30"],
        'dates (ISO 8601) but for "2024-02-30"',
    ),
    one("a text among dates", ["31/01/2024"] * 23 + ["soon"], '"soon" in row 24'),
    one("named UTC", ["2024-01-31 10:00:00 UTC", "2024-03-02 11:30:00 UTC"], TIMES, options=BERLIN),
    one("as the web writes", WEB, TIMES, options=BERLIN),
    one("as C writes", ["Wed Jan 31 10:00:00 2024", "Sat Mar  2 11:30:00 2024"], TIMES),
    one("logs", ["31/Jan/2024:10:00:00 +0000", "02/Mar/2024:11:30:00 +0000"], TIMES),
    one("commas before fractions", ["2024-01-31 10:00:00,000", "2024-03-02 11:30:00,000"], TIMES),
    one("minutes with an offset", ["2024-01-31T10:00Z", "2024-03-02T12:30+01:00"], TIMES),
    one("nanoseconds", ["2024-01-31T10:00:00.000000123Z", "2024-03-02T11:30:00.000000999Z"], TIMES),
    one("fourteen digits", ["20240131100000", "20240302113000"], TIMES),
    one("eight digits and six", ["20240131T100000", "20240302T113000"], TIMES),
    one("eight digits with gaps", ["20240131.0", "", "20240302.0"], [DAYS[0], None, DAYS[1]]),
    one("years of two digits, first or last", ["20/12/31", "21/01/02"], "can be read in 2 ways"),
    one("years of two digits, last", UK, [day(1, 29), day(3, 30), day(5, 31)], noted="%d/%m/%y"),
    one("days that are none", ["30/02/2024", "31/12/2024"], "in a form that is not read"),
    one("month after the year", ["2024 Jan", "2023 Dec"], [day(1, 1), datetime(2023, 12, 1)]),  # noqa: DTZ001
    one("ordinals", ["1st Jan 2024", "2nd Feb 2024"], "in a form that is not read"),
    one("named zones", ["2024-01-31 10:00 CET", "2024-03-02 11:30 CET"], "a form that is not read"),
    one("a leap second", ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"], "that is not read"),
    one(
        "the year 9999",
        ["2024-01-31", "9999-12-31"],
        [JANUARY_31, datetime(9999, 12, 31)],  # noqa: DTZ001
        noted='"9999-12-31" in 12 rows',
    ),
    Variant(
        "days of a spreadsheet",
        text({"date": ["44197", "44228"], "y": ["u", "v"]}),
        reads={"date": [44197, 44228], "y": ["u", "v"]},
        noted="if a spreadsheet counts days so",
    ),
    one("forms that are mixed", ["2024-01-31", "02/03/2024"], "mixes forms of dates"),
    one(
        "forms that are mixed, odd cells or not",
        ["2024-01-31", "03/02/2024"],
        "mixes forms of dates",
        options={"odd_cells": "missing"},
    ),
    one("a column of years", ["2007", "2008", "2009"], [2007, 2008, 2009]),
    one("small numbers are no dates", ["10", "12", "31"], [10, 12, 31]),
    one("eight digits that are no days", ["12345678", "20249999"], [12345678, 20249999]),
    one("times alone", ["12:30", "13:45"], ["12:30", "13:45"]),
    one("quarters", ["2024-Q1", "2024-Q2"], ["2024-Q1", "2024-Q2"]),
    one(
        "large numbers without a name",
        ["1706695200", "1709337600"],
        [1706695200, 1709337600],
        noted="read_as=a:epoch-s",
    ),
    one(
        "large numbers, decided",
        ["1706695200", "1709337600"],
        [day(1, 31, 10), day(3, 2)],
        options={"read_as": ["a:epoch-s"]},
        signature=form("epoch s", ""),
    ),
    Variant(
        "seconds since 1970",
        text({"created_at": ["1706695200", "1709337600"], "y": ["u", "v"]}),
        reads={"created_at": [day(1, 31, 10), day(3, 2)], "y": ["u", "v"]},
        signature={"created_at": {"form": "epoch s"}},
    ),
    Variant(
        "milliseconds since 1970",
        text({"timestamp": ["1706695200000", "1709337600000"], "y": ["u", "v"]}),
        reads={"timestamp": [day(1, 31, 10), day(3, 2)], "y": ["u", "v"]},
        signature={"timestamp": {"form": "epoch ms"}},
    ),
    Variant(
        "times of a race are no dates",
        text({"time": ["61", "75", "82"], "y": ["u", "v"]}),
        reads={"time": [61, 75, 82], "y": ["u", "v"]},
    ),
    Variant(
        "a target that is a date",
        text({"a": ["1", "2"], "y": ["31/01/2024", "02/03/2024"]}),
        refused='The target "y" is a date',
    ),
]
