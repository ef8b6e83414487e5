"""The load test's rows: each is one that the service would accept."""

import json
import math
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.row_generator import generate_rows
from model_store.schema.row_decoder import RowDecoder
from model_store.schema.signature import LARGEST_INTEGER, Column, Kind, Signature

NAMES = st.text(
    # The decoder takes no control character, quote or backslash in a column's name.
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters='"\\'),
    min_size=1,
)
CATEGORIES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
# Draws that look for trouble, such as 0.0 and the ends of a range.
DICE = st.randoms(use_true_random=False)
BOUNDS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.INTEGER: st.integers(-LARGEST_INTEGER, LARGEST_INTEGER).map(float),
    Kind.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    # RFC 3339 texts of one length and one offset sort as their moments do.
    Kind.DATETIME: st.datetimes(timezones=st.just(UTC)).map(
        lambda moment: moment.isoformat(timespec="microseconds")
    ),
}


def of_kind(kind: Kind) -> dict[str, Any]:
    """Return what a column of this kind needs besides its name."""
    return {"kind": kind} | ({"dtype": "uint8", "shape": (2, 3)} if kind is Kind.ARRAY else {})


def seeded(seed: int) -> Random:
    """Return dice that fall the same way for the same seed."""
    return Random(seed)  # noqa: S311 - rows are no secrets


@st.composite
def columns(draw: st.DrawFn) -> Column:
    """Draw a column of any kind, its range known or not."""
    kind = draw(st.sampled_from(Kind))
    minimum = maximum = None
    if kind in BOUNDS and draw(st.booleans()):
        minimum, maximum = sorted([draw(BOUNDS[kind]), draw(BOUNDS[kind])])
    return Column(
        name=draw(NAMES),
        **of_kind(kind),
        nullable=draw(st.booleans()),
        categories=tuple(draw(st.sets(CATEGORIES, min_size=1))) if kind is Kind.CATEGORY else (),
        minimum=minimum,
        maximum=maximum,
    )


SIGNATURES = st.lists(columns(), min_size=1, unique_by=lambda column: column.name).map(
    lambda inputs: Signature(inputs=tuple(inputs), outputs=())
)


@given(signature=SIGNATURES, random=DICE)
def test_every_row_is_accepted_by_the_decoder(signature: Signature, random: Random) -> None:
    """Whatever the signature asks for, the decoder accepts every row."""
    rows = generate_rows(signature.inputs, 3, random)

    decoded = RowDecoder(signature).decode(json.dumps(rows, ensure_ascii=False).encode())

    assert decoded.size == 3


@given(column=columns(), random=DICE)
def test_every_value_was_possible_in_training(column: Column, random: Random) -> None:
    """Values lie within the training range and among the known categories."""
    (row,) = generate_rows([column], 1, random)
    value = row[column.name]

    if value is None:
        assert column.nullable
    elif column.categories:
        assert value in column.categories
    elif column.kind is Kind.DATETIME and column.minimum is not None:
        least, most = (datetime.fromisoformat(str(at)) for at in (column.minimum, column.maximum))
        assert least <= datetime.fromisoformat(str(value)) <= most
    elif column.minimum is not None and column.maximum is not None:
        assert float(column.minimum) <= float(value) <= float(column.maximum)


@pytest.mark.parametrize("kind", Kind)
def test_a_nullable_column_is_sometimes_null(kind: Kind) -> None:
    """Missing values are sent where the signature has them, and only there."""
    nullable = Column(name="a", nullable=True, **of_kind(kind))
    required = Column(name="b", **of_kind(kind))

    rows = generate_rows([nullable, required], 200, seeded(0))

    assert 0 < sum(row["a"] is None for row in rows) < 100
    assert all(row["b"] is not None for row in rows)


def test_the_same_seed_gives_the_same_rows() -> None:
    """A run that found something can be made again."""
    inputs = [Column(name=kind, nullable=True, **of_kind(kind)) for kind in Kind]

    once, again = (generate_rows(inputs, 9, seeded(1)) for _ in range(2))

    assert once == again


def test_the_widest_range_gives_finite_numbers() -> None:
    """A range whose width no float can hold gives numbers that JSON can."""
    widest = Column(name="x", kind=Kind.NUMBER, minimum=-1.7e308, maximum=1.7e308)

    rows = generate_rows([widest], 100, seeded(0))

    assert all(math.isfinite(float(row["x"] or 0)) for row in rows)
