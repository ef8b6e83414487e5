"""What the log keeps of a body: the inputs by their names, each value as the model read it."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.body_errors import Explainer
from model_store.schema.row_decoder import InvalidRowsError, RowDecoder
from model_store.schema.signature import Column, Kind, Signature
from tests.api.conftest import ConstantPredictor, Serve, Service, loaded
from tests.api.json_values import MAX_STRING
from tests.api.mutated_bodies import OUTPUTS, bodies, signatures

FLATS = Signature(
    inputs=(
        Column(name="rooms", kind=Kind.INTEGER, minimum=1.0, maximum=8.0, header=" rooms"),
        Column(name="rent", kind=Kind.NUMBER, unit="EUR", minimum=468.0, maximum=2000.0),
        Column(name="town", kind=Kind.CATEGORY, categories=("Köln", "Łódź")),
        Column(name="note", kind=Kind.STRING, nullable=True),
        Column(
            name="built",
            kind=Kind.DATETIME,
            form="%d/%m/%Y",
            minimum="2012-01-31T00:00:00Z",
            maximum="2020-01-01T00:00:00Z",
        ),
        Column(name="seen", kind=Kind.DATETIME, nullable=True, time_zone="Europe/Berlin"),
        Column(name="new", kind=Kind.BOOLEAN),
    ),
    outputs=OUTPUTS,
    ignored=("total", "Unnamed: 0", 'an "id"'),
)
ROW: dict[str, Any] = {
    "rooms": 3,
    "rent": 900.5,
    "town": "Köln",
    "note": None,
    "built": "2020-01-31T00:00:00Z",
    "seen": None,
    "new": True,
}


def kept(document: Any) -> Any:
    """Return what is kept of a body, as a document."""
    body = json.dumps(document).encode()
    return json.loads(RowDecoder(FLATS).decode(body).rewritten or body)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({}, {}),
        ({"rooms": 3.0}, {}),
        ({"town": " Ko\u0308ln\t"}, {}),
        ({"note": " \u00a0"}, {"note": None}),
        ({"note": " a  b"}, {"note": "a  b"}),
        ({"built": "31/01/2020"}, {}),
        ({"built": "2020-01-31T01:00:00+01:00"}, {"built": "2020-01-31T01:00:00+01:00"}),
        ({"seen": "2020-01-31"}, {"seen": "2020-01-30T23:00:00Z"}),
        ({"Unnamed: 0": 7, "total": None, 'an "id"': "x: y"}, {}),
    ],
)
@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_each_value_is_kept_as_it_was_read(
    sent: dict[str, Any], read: dict[str, Any], count: int
) -> None:
    """Of one row as an object, of few and of many."""
    row, expected = ROW | sent, ROW | read
    assert kept([row] * count if count else row) == ([expected] * count if count else expected)


def test_a_header_is_kept_as_the_name() -> None:
    """So that views and windows find the column."""
    row = {" rooms" if name == "rooms" else name: value for name, value in ROW.items()}
    assert kept([row, ROW]) == [ROW, ROW]


def test_a_body_that_says_it_as_the_log_does_is_kept_byte_by_byte() -> None:
    """Spaces, order and escapes are the caller's."""
    body = json.dumps(dict(reversed(ROW.items())), indent=1).encode()
    assert RowDecoder(FLATS).decode(body).rewritten == b""


@pytest.mark.slow  # many made-up bodies
@given(st.data())
def test_what_is_kept_is_read_as_what_was_sent(data: st.DataObject) -> None:
    """The same columns, of every signature; and it is kept as it is."""
    signature = data.draw(signatures())
    decoder = RowDecoder(signature, max_string=MAX_STRING)
    body = data.draw(bodies(signature))
    try:
        rows = decoder.decode(body)
    except InvalidRowsError:
        return
    again = RowDecoder(signature).decode(rows.rewritten or body)
    assert not again.rewritten
    sent, read = decoder.columns([rows]), decoder.columns([again])
    for name, array in sent.items():
        assert array.dtype == read[name].dtype
        assert np.array_equal(array, read[name], equal_nan=array.dtype.kind in "fM")


@given(st.data(), st.lists(st.sampled_from([1, 2, 9, 20]), min_size=1, max_size=4))
def test_rows_of_few_and_of_many_are_read_alike(data: st.DataObject, sizes: list[int]) -> None:
    """However they come together in a batch."""
    changes = [{"rooms": 3.0}, {"built": "1/2/2020"}, {"seen": "2020-01-31"}, {"note": " "}, {}]
    rows = [ROW | data.draw(st.sampled_from(changes)) for _ in range(sum(sizes))]
    decoder = RowDecoder(FLATS)
    single = [decoder.decode(json.dumps(row).encode()) for row in rows]
    left = iter(rows)
    parts = [decoder.decode(json.dumps([next(left) for _ in range(n)]).encode()) for n in sizes]
    one, other = decoder.columns(single), decoder.columns(parts)
    for name, array in one.items():
        assert array.dtype == other[name].dtype
        assert np.array_equal(array, other[name], equal_nan=array.dtype.kind in "fM")


def test_a_model_of_unnormalised_categories_gets_them_as_they_are() -> None:
    """Models that were published before texts were normalised know them so."""
    town = Column(name="town", kind=Kind.CATEGORY, categories=(" Bonn", "Köln"))
    decoder = RowDecoder(Signature(inputs=(town,), outputs=OUTPUTS))
    assert decoder.columns([decoder.decode(b'{"town":" Bonn"}')])["town"].tolist() == [" Bonn"]


@pytest.fixture
def flats(serve: Serve) -> Iterator[Service]:
    """Return a service that knows flats."""
    with serve() as service:
        service.install(loaded(ConstantPredictor(), signature=FLATS, model="flats"))
        yield service


def test_the_log_holds_inputs_alone_by_their_names(flats: Service) -> None:
    """Neither the target nor a column that was left out; its readers find what was read."""
    sent = ROW | {"rooms": 3.0, "built": "31/01/2020", "total": 271828, "Unnamed: 0": 0}
    assert flats.predict([sent, ROW]).status_code == 200
    assert flats.predict(sent).status_code == 200
    first, second = flats.logged()
    assert first["inputs"] == [ROW, ROW]
    assert second["inputs"] == ROW


SENTENCES = [
    ({"rooms": "3"}, "/rooms", "Send an integer, such as 4: no text, no fraction."),
    ({"rooms": 3.5}, "/rooms", "Send an integer, such as 4: no text, no fraction."),
    ({"rooms": None}, "/rooms", "Training saw no missing value here: send an integer, such as 4"),
    ({"rooms": 2.0**54}, "/rooms", "Integers go from -2^53 to 2^53."),
    ({"rent": "1,234"}, "/rent", "Send a number in EUR, such as 1230.0: no text, no unit"),
    ({"town": 7}, "/town", 'Send a string, such as "Köln".'),
    ({"town": "a\0b"}, "/town", "A string has no NUL"),
    ({"note": 7}, "/note", "Send a string, or null where it is missing."),
    ({"built": "01-31-2012"}, "/built", 'Send a datetime such as "31/01/2012", or with an offset'),
    ({"built": 20120131}, "/built", '"2012-01-31T00:00:00Z"; a time without one is read in UTC.'),
    ({"seen": "31/01/2012"}, "/seen", 'such as "2024-01-31T11:00:00", or with an offset'),
    ({"seen": ""}, "/seen", "is read in Europe/Berlin, or null where it is missing."),
    ({"total": [1]}, "/total", "The model ignores this field"),
    ({" rooms": 3}, "/ rooms", "by its name and by its header"),
    ({"Rooms": 3}, "/Rooms", "no such field: leave it out"),
]


@pytest.mark.parametrize(("change", "place", "sentence"), SENTENCES)
def test_a_refusal_says_what_to_send(change: dict[str, Any], place: str, sentence: str) -> None:
    """In the column's own form, and without the value that was sent."""
    body = json.dumps([ROW, ROW | change]).encode()
    with pytest.raises(InvalidRowsError):
        RowDecoder(FLATS).decode(body)
    [error] = Explainer(FLATS, max_string=100).explain(body, 1000).errors
    assert (error.pointer, sentence in error.detail) == (f"/1{place}", True), error.detail


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"note": float("nan")}, "Send null where a value is missing."),
        ({"rent": float("nan")}, "Training saw no missing value here: send a number in EUR"),
        ({"rent": float("-inf")}, "Training saw no missing value here: send a number in EUR"),
        ({"total": float("nan")}, "Send null."),
    ],
)
def test_nan_is_pointed_to(change: dict[str, Any], sentence: str) -> None:
    """`json.dumps` of a table with gaps writes it, and it is no JSON."""
    body = json.dumps([ROW, ROW | change]).encode()
    problem = Explainer(FLATS, max_string=100).explain(body, 1000)
    [error] = problem.errors
    assert problem.status == 400
    assert "send null where a value is missing" in problem.detail
    assert error.pointer == f"/1/{next(iter(change))}"
    assert error.detail.startswith(sentence)
