"""JSON values as numbers."""

import math
from typing import Any

import numpy as np
import pytest

from monitoring.log.views import ViewColumn
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
def test_a_hash_is_no_value(kind: str) -> None:
    """It would look like an unseen category or a long text."""
    [column] = columns_of({"x": kind}, {"x": TRAINING[kind]})
    with pytest.raises(ValueError, match=r"."):
        column.numbers(["hmac:0123"])


def test_a_boolean_that_training_never_saw_is_unseen() -> None:
    """As a category is."""
    [column] = columns_of({"x": "boolean"}, {"x": [True, True]})
    assert column.numbers([False]).tolist() == [2]


def test_rare_categories_are_told_from_unseen_ones() -> None:
    """By the signature, which names all that training saw; without it they count as rare."""
    names = [f"{number:03}" for number in range(LARGEST_CATEGORIES + 1)]
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
