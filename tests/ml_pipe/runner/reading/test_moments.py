"""Dates of a whole column mean what `read_moment` reads from each of them in a request."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_pipe.runner.reading.columns.dates import dates_of, forms_of
from ml_pipe.runner.reading.columns.distinct import distinct_of
from model_store.schema.moments import read_moment
from model_store.schema.signature import Column, Kind

FORMS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%SZ",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d %b %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
    "%a, %d %b %Y",
    "%m/%d/%Y %I:%M %p",
    "%Y-%m-%dT%H:%M:%S+0200",
    "%Y-%m-%d %H:%M:%S-05:30",
    "%Y-%m-%d %H:%M:%S UTC",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
    "%d/%b/%Y:%H:%M:%S +0200",
    "%Y-%m-%d %H:%M:%S,%f",
    "%Y%m%d%H%M%S",
    "%Y%m%dT%H%M%S",
    "%b %d,%Y",
)
ZONES = ("", "UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe")
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1))  # noqa: DTZ001 - of no zone yet


@given(
    form=st.sampled_from(FORMS),
    zone=st.sampled_from(ZONES),
    moments=st.lists(MOMENTS, min_size=1, max_size=20),
)
def test_a_column_is_read_as_a_request_is(form: str, zone: str, moments: list[datetime]) -> None:
    """Whatever the form and the zone: in summer, in winter, and in the hours between."""
    texts = [f"{moment:{form}}" for moment in moments]
    column = distinct_of(pd.Series(texts, dtype="str"))
    read = dates_of(column, "", "" if form.startswith("%Y-") else form, zone)
    assert read is not None
    known = Column(name="a", kind=Kind.DATETIME, form=read.form, time_zone=read.time_zone)
    expected = [read_moment(text, known) for text in column.entries.to_pylist()]
    assert read.moments.tolist() == expected


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_found_from_its_texts(form: str) -> None:
    """A day above twelve leaves one form; ISO 8601 needs none."""
    days = [datetime(2024, 1, 31, 13, 5, tzinfo=UTC), datetime(2023, 12, 15, 1, 0, tzinfo=UTC)]
    texts = [f"{day:{form}}" for day in days]
    read = dates_of(distinct_of(pd.Series(texts, dtype="str")))
    assert read is not None
    assert read.others == ()
    assert not np.isnat(read.moments).any()
    found = read.form or "ISO"
    assert found == "ISO" or found.replace("%z", "+0200") == form


@pytest.mark.parametrize("text", ["", "12", "1.5", "abc", "12:30", "1/2", "10.0.0.1", "2024"])
def test_what_is_no_date_has_no_form(text: str) -> None:
    """Numbers, versions and hosts among it."""
    assert forms_of(text) == []
