"""How rare a row is, in bits that the reader can compute."""

import math

import pytest

from monitoring.windows.rarity import rarity
from tests.monitoring.windows.small_windows import columns_of


def test_a_rare_value_surprises_more_than_a_frequent_one() -> None:
    """Of 99 rows, 90 are apples; a half is added to each of 4 counts: two names, rare, unseen.

    And one to those that are missing.
    """
    columns = columns_of({"fruit": "category"}, {"fruit": ["apple"] * 90 + ["pear"] * 9})
    total = 99 + 0.5 * 5
    for value, count in (("apple", 90), ("pear", 9), ("kiwi", 0), (None, 0)):
        assert rarity(columns, {"fruit": value}) == pytest.approx(-math.log2((count + 0.5) / total))


def test_a_number_is_as_rare_as_its_bin() -> None:
    """What is out of the range of training is rarer than what is within; its ends are within."""
    columns = columns_of({"x": "number"}, {"x": [float(x) for x in range(100)]})
    within = rarity(columns, {"x": 50.5})
    assert rarity(columns, {"x": 0.0}) == pytest.approx(within)
    assert rarity(columns, {"x": 99.0}) == pytest.approx(within)
    assert rarity(columns, {"x": -1.0}) == rarity(columns, {"x": 100.0}) > within + 3


def test_columns_add_up_and_answers_do_not_count() -> None:
    """A value that the log holds as a hash does not count either."""
    kinds = {"x": "number", "z": "number", "y": "number"}
    columns = columns_of(kinds, dict.fromkeys(kinds, [1.0, 2.0] * 10))
    one = rarity(columns, {"x": 1.0})
    assert one > 0
    assert rarity(columns, {"x": 1.0, "z": 1.0, "y": 5.0}) == pytest.approx(2 * one)
    assert rarity(columns, {"x": 1.0, "z": "hmac:" + "0" * 64}) == pytest.approx(one)
