"""JSON values as numbers."""

import math
from typing import Any

import numpy as np
import pytest

from monitoring.log.database.views import ViewColumn
from monitoring.statistics import LARGEST_CATEGORIES
from monitoring.windows.columns import window_columns
from tests.monitoring.windows.small_windows import columns_of

TRAINING: dict[str, list[Any]] = {
    "integer": [1, 2],
    "number": [1.5, 2.5],
    "boolean": [True, True, False],
    "category": ["b", "a", "b"],
    "datetime": ["2026-01-01", "2026-01-02"],
    "string": ["x", "yy"],
}
SENT: dict[str, Any] = TRAINING | {"datetime": ["2026-01-01T00:00:00Z"]}
HASH = "hmac:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        ("integer", 2**53, 2.0**53),
        ("number", 3, 3),
        ("number", 1.25, 1.25),
        ("boolean", True, 0),
        ("boolean", False, 1),
        ("category", "b", 0),
        ("category", "a", 1),
        ("category", "c", 3),
        ("category", "", 3),
        ("datetime", "1970-01-01T01:00:00.000001+01:00", 1e-6),
        ("datetime", "1969-12-31T23:59:59Z", -1),
        ("string", "Zoë", 3),
    ],
)
def test_every_kind_has_its_number(kind: str, value: object, number: float) -> None:
    """A category's is its place by frequency; one that training never saw comes last."""
    [column] = columns_of({"x": kind}, {"x": TRAINING[kind]})
    assert column.numbers([value, None])[0] == number
    assert math.isnan(column.numbers([value, None])[1])


@pytest.mark.parametrize("kind", TRAINING)
def test_a_hash_is_hidden(kind: str) -> None:
    """It would count as an unseen category or a long text; the values beside it count."""
    [column] = columns_of({"x": kind}, {"x": TRAINING[kind]})
    hidden, missing, clear = column.numbers([HASH, None, SENT[kind][0]])
    assert hidden == math.inf
    assert math.isnan(missing)
    assert math.isfinite(clear)


@pytest.mark.parametrize("kind", ["category", "string"])
def test_a_text_that_begins_like_a_hash_is_a_text(kind: str) -> None:
    """A caller cannot hide a value by it."""
    [column] = columns_of({"x": kind}, {"x": TRAINING[kind]})
    for text in ("hmac:x", HASH[:-1], HASH + "0", HASH + "\n", HASH.upper()):
        assert column.numbers([text])[0] == (3 if kind == "category" else len(text))


@pytest.mark.parametrize("kind", ["integer", "number", "boolean", "datetime"])
def test_a_value_of_another_kind_is_refused(kind: str) -> None:
    """A hash beside it changes nothing."""
    [column] = columns_of({"x": kind}, {"x": TRAINING[kind]})
    with pytest.raises(ValueError, match=r"."):
        column.numbers([HASH, "hmac:x"])


def test_a_column_has_the_range_that_it_is_given() -> None:
    """Numbers and dates of JSON have one; it is unknown if none is given."""
    kinds = {"number": "number", "datetime": "datetime", "integer": "integer"}
    training = {kind: TRAINING[kind] for kind in kinds}
    ranges = {"number": (1, 2.5), "datetime": ("1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z")}
    number, moment, integer = columns_of(kinds, training, ranges=ranges)
    assert (number.ends, moment.ends) == ((1, 2.5), (0, 60))
    assert all(map(math.isnan, integer.ends))


def test_a_boolean_that_training_never_saw_is_unseen() -> None:
    """So is a category."""
    [column] = columns_of({"x": "boolean"}, {"x": [True, True]})
    assert column.numbers([False]).tolist() == [2]


def test_rare_categories_differ_from_unseen_ones() -> None:
    """The signature names all that training saw; without it unseen ones count as rare."""
    names = [f"{number:05}" for number in range(LARGEST_CATEGORIES + 1)]
    rare, unseen = LARGEST_CATEGORIES, LARGEST_CATEGORIES + 1
    [column] = columns_of({"x": "category"}, {"x": names}, seen={"x": names})
    assert column.numbers([names[0], names[-1], "new"]).tolist() == [0, rare, unseen]
    [column] = columns_of({"x": "category"}, {"x": names})
    assert column.numbers([names[0], names[-1], "new"]).tolist() == [0, rare, rare]


def test_personal_columns_are_left_out() -> None:
    """Those that are named, on either side."""
    known = [ViewColumn("name", "string", "input"), ViewColumn("x", "number", "output")]
    [column] = window_columns(known, {}, leave_out={"name"})
    assert (column.name, column.side) == ("x", "output")


def test_a_column_without_reference_has_numbers_too() -> None:
    """Its categories are all unseen."""
    known = [ViewColumn("c", "category", "input"), ViewColumn("n", "number", "input")]
    category, number = window_columns(known, {})
    assert category.numbers(["a", None])[0] == 1
    assert np.isnan(category.numbers(["a", None])[1])
    assert number.numbers([4]).tolist() == [4]
