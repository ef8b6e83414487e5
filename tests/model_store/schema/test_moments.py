"""One text is one moment, read one by one or all at once, strictly and alike on every machine."""

from datetime import datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.schema.moment_forms import MomentForm
from model_store.schema.moments import (
    Value,
    example_moment,
    read_moment,
    read_moments,
    rfc_3339,
    rfc_3339_moments,
)
from model_store.schema.signature import Column, Kind, Signature

FORMS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%Y%m%d", "%Y-%m", "%d %B %Y", "%b %d, %Y"),
    *("%d/%m/%Y %H:%M", "%Y%m%d%H%M%S", "%m/%d/%Y %I:%M:%S %p", "%a %d %b %Y", "%Y-%d-%m"),
    *("%d.%m.%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M%z", "%Y/%m/%dT%H:%M:%S", "epoch s", "epoch ms"),
    *("100%% %Y", "%Y-%d-%mT%H:%M:%SZ"),
)


def column(**more: str) -> Column:
    """Return a column of datetimes."""
    return Column(name="t", kind=Kind.DATETIME, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "form", "time_zone", "moment"),
    [
        ("2024-01-31T10:00:00Z", "", "", "2024-01-31T10:00:00"),
        ("2024-01-31T10:00:00+01:00", "%d/%m/%Y", "Europe/Berlin", "2024-01-31T09:00:00"),
        ("2012-01-01", "", "UTC", "2012-01-01T00:00:00"),
        ("2012-01-01 10:00", "", "Europe/Berlin", "2012-01-01T09:00:00"),
        ("2012-07-01T10:00:00", "", "Europe/Berlin", "2012-07-01T08:00:00"),
        (" 2012-07-01 10:00:00.1234567 ", "", "UTC", "2012-07-01T10:00:00.123456"),
        # Twice in autumn: the first. Never in spring: with the offset before the gap.
        ("2024-10-27 02:30", "", "Europe/Berlin", "2024-10-27T00:30:00"),
        ("2024-03-31 02:30", "", "Europe/Berlin", "2024-03-31T01:30:00"),
        ("31/01/2024", "%d/%m/%Y", "", "2024-01-31T00:00:00"),
        ("1/2/2024", "%d/%m/%Y", "", "2024-02-01T00:00:00"),
        ("1/2/2024", "%m/%d/%Y", "", "2024-01-02T00:00:00"),
        ("31.01.69", "%d.%m.%y", "", "1969-01-31T00:00:00"),
        ("31.01.68", "%d.%m.%y", "", "2068-01-31T00:00:00"),
        ("jan 31, 2024", "%b %d, %Y", "", "2024-01-31T00:00:00"),
        ("31 January  2024", "%d %B %Y", "", "2024-01-31T00:00:00"),
        ("01/31/2024 12:05:00 am", "%m/%d/%Y %I:%M:%S %p", "UTC", "2024-01-31T00:05:00"),
        ("01/31/2024 12:05:00 PM", "%m/%d/%Y %I:%M:%S %p", "UTC", "2024-01-31T12:05:00"),
        ("31/01/2024 10:00+0130", "%d/%m/%Y %H:%M%z", "Europe/Berlin", "2024-01-31T08:30:00"),
        ("20240131", "%Y%m%d", "", "2024-01-31T00:00:00"),
        (20240131, "%Y%m%d", "", "2024-01-31T00:00:00"),
        (20240131.0, "%Y%m%d", "", "2024-01-31T00:00:00"),
        ("2024-01", "%Y-%m", "", "2024-01-01T00:00:00"),
        ("2024-02-01", "%Y-%d-%m", "UTC", "2024-01-02T00:00:00"),
        # A text with an offset is what RFC 3339 says, whatever the form.
        ("2024-02-01T00:00:00Z", "%Y-%d-%mT%H:%M:%SZ", "UTC", "2024-02-01T00:00:00"),
        (1706695200, "epoch s", "", "2024-01-31T10:00:00"),
        (1706695200.5, "epoch s", "", "2024-01-31T10:00:00.500000"),
        ("1706695200", "epoch s", "", "2024-01-31T10:00:00"),
        (1706695200123, "epoch ms", "", "2024-01-31T10:00:00.123000"),
        (-1, "epoch s", "", "1969-12-31T23:59:59"),
    ],
)
def test_a_value_is_this_moment(value: Value, form: str, time_zone: str, moment: str) -> None:
    """All moments are in UTC; many values of a column are read as one is."""
    read = datetime.fromisoformat(moment)
    described = column(form=form, time_zone=time_zone)
    assert read_moment(value, described) == read
    assert read_moments([None, *[value] * 9], described).tolist() == [None, *[read] * 9]


@pytest.mark.parametrize(
    ("value", "form", "time_zone"),
    [
        *(("2012-01-01", "", ""), ("2012-01-01T10:00:00", "", "")),
        *((text, "", "UTC") for text in ("2012-1-1", "20120101", "2012-01-01_10:00", "2012-01")),
        *((text, "", "UTC") for text in ("2012-02-30", "0000-01-01", "2012-01-01T24:00", "")),
        *((text, "", "UTC") for text in ("2012-W01-1", "2012-01-01T10", "\u0662012-01-01", "now")),
        *((text, "", "UTC") for text in ("2012-01-01T10:00:00+0100", "2012-01-01+01:00")),
        *((number, "", "UTC") for number in (0, 20120101, 1e9)),
        ("0001-01-01 00:00", "", "Europe/Berlin"),
        *((text, "%d/%m/%Y", "") for text in ("31/13/2024", "30/02/2024", "1/2/24", "01/02/2024x")),
        *((text, "%d/%m/%Y", "") for text in ("1/ 2/2024", "\u0661/02/2024", "01-02-2024", "1/2/")),
        *((text, "%d/%m/%Y", "") for text in ("001/02/2024", "01/02/2024 10:00", "1/2/2024\t1")),
        *((text, "%Y%m%d", "") for text in ("2024131", "2024 131", "20241301", "2024-01-31")),
        *((number, "%Y%m%d", "") for number in (2024131, 20240131.5, -20240131, 1e300)),
        *((number, "%Y%m%d", "") for number in (float("nan"), float("inf"), 10**400)),
        *((number, "epoch s", "") for number in (float("nan"), float("-inf"), 10**400, 1e300)),
        *((text, "epoch s", "") for text in ("1e9", "0x10", " ", "1_000", "9" * 400, "--1")),
        ("Ja\u017f 31, 2024", "%b %d, %Y", ""),
        ("31/01/2024 10:00+0175", "%d/%m/%Y %H:%M%z", ""),
        ("01/31/2024 13:05:00 PM", "%m/%d/%Y %I:%M:%S %p", ""),
        (True, "epoch s", ""),
    ],
)
def test_everything_else_is_refused(value: Value, form: str, time_zone: str) -> None:
    """Nothing is guessed."""
    described = column(form=form, time_zone=time_zone)
    with pytest.raises(ValueError, match=r"^$"):
        read_moment(value, described)
    with pytest.raises(ValueError, match=r"^$"):
        read_moments([value] * 9, described)


COLUMNS = st.builds(
    column,
    form=st.sampled_from(["", *FORMS]),
    time_zone=st.sampled_from(["", "UTC", "Europe/Berlin", "America/St_Johns", "Etc/GMT+5"]),
)
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29))  # noqa: DTZ001 - UTC
WRITTEN = st.sampled_from(["T", " "]).flatmap(
    lambda between: st.tuples(
        MOMENTS,
        st.sampled_from(["auto", "minutes", "seconds", "milliseconds", "microseconds", "day"]),
        st.sampled_from(["Z", "", "", "+00:00", "z", "-05:30"]),
    ).map(
        lambda drawn: (
            f"{drawn[0].date()}"
            if drawn[1] == "day"
            else drawn[0].isoformat(between, drawn[1]) + drawn[2]
        )
    )
)


def one_by_one(values: list[Value | None], described: Column) -> list[datetime | None] | None:
    """Return what `read_moment` reads of each value, None where it refuses one."""
    try:
        return [None if value is None else read_moment(value, described) for value in values]
    except ValueError:
        return None


@given(st.data(), COLUMNS)
def test_many_are_read_as_one_is(data: st.DataObject, described: Column) -> None:
    """The same moments, and a refusal where one is refused, whatever stands beside it."""
    form = described.form
    if form and not form.startswith("epoch"):
        good = MOMENTS.map(MomentForm(form).write) | WRITTEN
    else:
        good = st.integers(0, 10**12) | WRITTEN if form else WRITTEN  # type: ignore[assignment]
    style = data.draw(st.sampled_from(["one", "any"]))
    kind: st.SearchStrategy[Value | None] = good
    if style == "one":
        # Texts of one form and width, as most columns have them.
        width = len(str(data.draw(good)))
        kind = good.filter(lambda value: len(str(value)) == width)
    values = data.draw(st.lists(kind | st.none(), min_size=1, max_size=12))
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(values) - 1))
        text, character = str(values[place]), data.draw(st.sampled_from("0139:-/TZ \n\u0661"))
        at = data.draw(st.integers(0, len(text)))
        values[place] = text[:at] + character + text[at + data.draw(st.booleans()) :]
    expected = one_by_one(values, described)
    if expected is None:
        with pytest.raises(ValueError, match=r"^$"):
            read_moments(values, described)
    else:
        assert read_moments(values, described).tolist() == expected


@given(st.lists(WRITTEN | st.none(), max_size=12))
def test_texts_of_rfc_3339_are_known_for_such(values: list[str | None]) -> None:
    """All of them, or none is read."""
    expected = [None if value is None else rfc_3339(value) for value in values]
    is_all = all(e is not None for e, v in zip(expected, values, strict=True) if v is not None)
    found = rfc_3339_moments(values)
    assert (found is not None) is is_all
    assert found is None or found.tolist() == expected


def test_lines_that_only_look_like_texts_of_one_width_are_no_moments() -> None:
    """A line's end within a value does not make two values of it."""
    whole = "2024-01-31T10:00:00Z"
    for values in (
        [whole[:-1], "Z" + whole],
        [whole + "\n" + whole, ""],
        ["", f"{whole}\n{whole}"],
    ):
        assert rfc_3339_moments([whole] * 8 + values) is None


@given(MOMENTS, COLUMNS)
def test_an_example_can_be_sent(moment: datetime, described: Column) -> None:
    """The example of a column is one of its datetimes: its minimum, as exactly as a form can."""
    shown = msgspec.structs.replace(described, minimum=f"{moment.isoformat()}Z")
    read = read_moment(example_moment(shown), shown)
    if described.form in {"", "%d.%m.%Y %H:%M:%S.%f"} and described.time_zone in {"", "UTC"}:
        assert read == moment
    if "%y" not in described.form:
        assert abs(read - moment) <= timedelta(days=367)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"form": "%d%d"}, "has %d twice"),
        ({"form": "%m %b %Y"}, "has %m or %b or %B twice"),
        ({"form": "%H:%M"}, "is no date"),
        ({"form": "%d %Y"}, "is no date"),
        ({"form": "%Y %I"}, "needs %I and %p together"),
        ({"form": "%x"}, "no directive"),
        ({"form": "%Z %Y"}, "no directive"),
        ({"form": "%Y%"}, "no directive"),
        ({"form": "%Y" + "x" * 10_000}, "at most 64"),
        ({"form": "%Y\n"}, "printable"),
        ({"time_zone": "Nowhere/City"}, "no time zone"),
        ({"time_zone": "../../../etc/passwd"}, "no time zone"),
        ({"time_zone": "/etc/localtime"}, "no time zone"),
        ({"time_zone": "localtime"}, "no time zone"),
        ({"time_zone": "Europe"}, "no time zone"),
        ({"time_zone": "Europe/Berlin\0"}, "no time zone"),
        ({"time_zone": "a" * 100_000}, "no time zone"),
        ({"kind": "number", "form": "%Y"}, "only a datetime"),
        ({"kind": "string", "time_zone": "UTC"}, "only a datetime"),
    ],
)
def test_a_column_that_could_not_be_read_by_is_refused(more: dict[str, str], reason: str) -> None:
    """A manifest may come from anywhere: it is refused where it is read."""
    text = msgspec.json.encode({"name": "t", "kind": "datetime"} | more)
    with pytest.raises(msgspec.ValidationError, match=reason):
        msgspec.json.decode(text, type=Column)


def test_inputs_are_not_ignored() -> None:
    """An ignored column that is an input by its name or its header is an input."""
    inputs = (Column(name="a", kind=Kind.NUMBER, header=" a"), Column(name="b", kind=Kind.NUMBER))
    output = Column(name="y", kind=Kind.NUMBER)
    signature = Signature(inputs=inputs, outputs=(output,), ignored=("y", "a", " a", "y", "id"))
    assert signature.ignored == ("y", "id")


def test_a_header_counts_where_it_is_one_columns_alone() -> None:
    """Names go before headers."""
    names = {"a": "x", "b": "x", "c": "a", "d": "D "}
    inputs = tuple(Column(name=n, kind=Kind.NUMBER, header=header) for n, header in names.items())
    signature = Signature(inputs=inputs, outputs=(Column(name="y", kind=Kind.NUMBER),))
    assert signature.headers == {"D ": "d"}


def test_two_columns_of_one_name_are_refused() -> None:
    """Requests could not give both."""
    twice = (Column(name="a", kind=Kind.NUMBER),) * 2
    with pytest.raises(ValueError, match="one name"):
        Signature(inputs=twice, outputs=(Column(name="y", kind=Kind.NUMBER),))


def test_moments_are_of_one_type() -> None:
    """Whichever way they were read."""
    for count in (1, 20):
        read = read_moments(["2024-01-31"] * count, column(time_zone="UTC"))
        assert read.dtype == np.dtype("datetime64[us]")
