"""The statistics of a window's columns."""

import math
from typing import Any

from monitoring.log.database.views import ViewColumn
from monitoring.windows.column_counts import count_columns
from monitoring.windows.column_statistics import ColumnStatistics, Distribution, column_statistics
from monitoring.windows.columns import window_columns
from tests.monitoring.windows.small_windows import columns_of, window_of


def described(
    kind: str, training: list[Any], values: list[Any], **options: Any
) -> ColumnStatistics:
    """Return the statistics of one column."""
    columns = columns_of({"x": kind}, {"x": training})
    [found] = column_statistics(count_columns(window_of(columns, x=values)), **options)
    return found


def test_numbers_have_a_distribution() -> None:
    """It is of the values that are there; missing and out-of-range values are shares."""
    found = described("number", [1.0, 30.0], [*range(1, 41), *[None] * 10])
    assert (found.name, found.side, found.count) == ("x", "input", 50)
    assert (found.missing, found.out_of_range) == (0.2, 0.25)
    assert found.distribution == Distribution(
        mean=20.5,
        standard_deviation=math.sqrt((40**2 - 1) / 12),
        minimum=1,
        lower_quartile=10,
        median=20,
        upper_quartile=30,
        maximum=40,
    )


def test_missing_values_stand_beside_those_of_training() -> None:
    """The share of training is given as well, if it is known."""
    found = described("number", [1.0, None, None, 2.0], [*[1.0] * 20, *[None] * 20])
    assert (found.missing, found.reference_missing) == (0.5, 0.5)


def test_dates_are_in_seconds_and_texts_have_lengths() -> None:
    """Seconds count from 1970; lengths are in characters."""
    dates = described("datetime", ["1970-01-01"], ["1970-01-01T00:01:00Z"] * 20)
    assert dates.distribution
    assert dates.distribution.mean == 60
    texts = described("string", ["abc"], ["12345"] * 20)
    assert texts.distribution
    assert (texts.distribution.mean, texts.out_of_range) == (5, 1)


def test_out_of_range_is_outside_the_range_of_training() -> None:
    """The range is that of all rows of training; the reference has only some of them."""
    columns = columns_of({"x": "number"}, {"x": [2.2, 4.4]}, ranges={"x": (2.0, 4.4)})
    window = window_of(columns, x=[2.0, 1.9, *[3.0] * 17, 4.5])
    [found] = column_statistics(count_columns(window))
    assert found.out_of_range == 0.1


def test_categories_have_shares() -> None:
    """Only the names of the reference appear: a value that was sent is never published."""
    found = described("category", ["a", "a", "b"], [*["a"] * 10, *["secret"] * 10, *[None] * 5])
    assert found.categories == {"a": 0.5, "b": 0}
    assert (found.other, found.unseen, found.missing) == (0, 0.5, 0.2)
    assert found.distribution is None
    assert "secret" not in repr(found)


def test_few_categories_are_named() -> None:
    """The others are counted together."""
    found = described("category", ["a", "a", "b", "c"], ["a", "b", "b", "c"] * 5, most_categories=1)
    assert found.categories == {"a": 0.25}
    assert (found.other, found.unseen) == (0.75, 0)


def test_below_the_minimum_nothing_is_published() -> None:
    """That holds for rows, and for the values of a column."""
    columns = columns_of({"x": "number"}, {"x": [1.0]})
    assert column_statistics(count_columns(window_of(columns, x=[1] * 19))) == []
    assert column_statistics(count_columns(window_of(columns)), fewest_rows=0) == []
    found = described("number", [1.0], [*[1] * 19, None])
    assert found == ColumnStatistics("x", "input", 20, 0.05, reference_missing=0)
    found = described("category", ["a"], [*["a"] * 19, None])
    assert found == ColumnStatistics("x", "input", 20, 0.05, reference_missing=0)


def test_without_reference_there_is_no_range_and_no_category() -> None:
    """Numbers still have a distribution."""
    known = [ViewColumn("x", "number", "input"), ViewColumn("c", "category", "input")]
    window = window_of(window_columns(known, {}), x=[1] * 20, c=["a"] * 20)
    numbers, categories = column_statistics(count_columns(window))
    assert numbers.distribution
    assert (numbers.distribution.mean, numbers.out_of_range) == (1, None)
    assert (categories.categories, categories.other, categories.unseen) == (None, None, None)
    assert numbers.reference_missing is None


def test_values_too_great_to_add_up_are_infinite() -> None:
    """The update goes on without a warning."""
    found = described("number", [1.0], [1.7e308] * 20)
    assert found.distribution
    assert (found.distribution.mean, found.distribution.median) == (math.inf, 1.7e308)
