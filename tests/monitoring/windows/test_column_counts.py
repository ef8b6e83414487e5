"""A window's values, in the bins of their reference."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitoring.log.database.views import ViewColumn
from monitoring.windows.column_counts import count_columns
from monitoring.windows.columns import window_columns
from tests.monitoring.windows.small_windows import columns_of, window_of

NUMBERS = st.lists(st.integers(-50, 50).map(lambda number: number / 4), min_size=1)


@given(NUMBERS, NUMBERS)
def test_every_value_is_in_its_bin(training: list[float], values: list[float]) -> None:
    """Above the bin's lower edge and up to its upper one; the first holds the least value too."""
    columns = columns_of({"x": "number"}, {"x": training})
    [counted] = count_columns(window_of(columns, x=[*values, None]))
    least, *upper = columns[0].reference.edges.tolist()
    ends = [-np.inf, np.nextafter(least, -np.inf), *upper, np.inf]
    expected = [sum(low < value <= high for value in values) for low, high in pairwise(ends)]
    assert counted.counts.tolist() == expected
    assert counted.ordered.tolist() == sorted(values)
    assert (counted.rows, counted.missing, counted.present) == (len(values) + 1, 1, len(values))


@given(NUMBERS)
def test_the_reference_counts_itself_alike(training: list[float]) -> None:
    """What is compared is counted in one way."""
    columns = columns_of({"x": "number"}, {"x": training})
    [counted] = count_columns(window_of(columns, x=training))
    assert counted.counts.tolist() == columns[0].reference.counts.tolist()


def test_categories_are_counted_by_their_numbers() -> None:
    """Named, other, unseen; missing ones apart."""
    columns = columns_of({"x": "category"}, {"x": ["a", "b", "a"]})
    [counted] = count_columns(window_of(columns, x=["b", "new", None, "b"]))
    assert counted.counts.tolist() == [0, 2, 0, 1]
    assert counted.missing == 1


def test_without_reference_all_is_outside() -> None:
    """It is still counted."""
    known = [ViewColumn("x", "number", "input"), ViewColumn("c", "category", "input")]
    window = window_of(window_columns(known, {}), x=[1, 2, None], c=["a", None, None])
    counted = count_columns(window)
    assert [column.counts.tolist() for column in counted] == [[0, 2], [0, 1]]


def test_hashes_are_left_out_with_their_part_of_the_missing_values() -> None:
    """A missing value has no hash; among hashes it does not count for the values in clear."""
    columns = columns_of({"x": "number", "c": "category"}, {"x": [1.0, 2.0], "c": ["a", "b"]})
    half = [*[1.0] * 30, *["hmac:" + "0" * 64] * 30, *[None] * 20]
    whole = ["hmac:" + "0" * 64] * 60 + [None] * 20
    numbers, categories = count_columns(window_of(columns, x=half, c=["a"] * 80))
    assert (numbers.rows, numbers.missing, numbers.present) == (40, 10, 30)
    assert categories.rows == 80
    numbers, categories = count_columns(window_of(columns, x=[1.0] * 80, c=whole))
    assert (numbers.rows, categories.rows, categories.missing) == (80, 0, 0)
