"""The last rows, by number, each counted once."""

import json
from typing import Any

import numpy as np
import pytest

from monitoring.log.reading.texts import LoggedRequest
from monitoring.windows.column_counts import count_columns
from monitoring.windows.reader import Cursor, Reading
from monitoring.windows.window import Window
from tests.monitoring.windows.small_windows import columns_of, reading

HASH = "hmac:" + "0123456789abcdef" * 4
COLUMNS = columns_of({"x": "number", "y": "category"}, {"x": [1.0], "y": ["a", "b", "a"]})


def rows(*values: float) -> list[dict[str, Any]]:
    """Return rows with these inputs, all answered `b`."""
    return [{"x": value, "y": "b"} for value in values]


def test_inputs_and_answers_stand_in_their_columns() -> None:
    """A request of one object is one row."""
    window = Window(COLUMNS, 5)
    window.extend(
        Reading(Cursor("log", 1), [LoggedRequest(1, '{"x": 7}', '{"y": "b"}')], anew=True)
    )
    window.extend(reading([{"x": None, "y": "a"}], sequence=2, anew=False))
    assert window.rows == 2
    np.testing.assert_array_equal(window.values(0), [7, np.nan])
    assert window.values(1).tolist() == [1, 0]


@pytest.mark.parametrize("size", [1, 3, 4, 1500])
def test_a_full_window_holds_the_newest_rows(size: int) -> None:
    """That holds for any number of rows and any size of window."""
    window = Window(COLUMNS, size)
    sent = 0
    for sequence, count in enumerate([1, 2, 3, 2500, 1], 1):
        window.extend(reading(rows(*range(sent, sent + count)), sequence=sequence, anew=False))
        sent += count
        expected = range(max(0, sent - size), sent)
        assert sorted(window.values(0).tolist()) == list(expected)
        assert window.rows == len(expected)


@pytest.mark.parametrize("size", [2000, 5000])
def test_many_requests_are_as_one_of_many_rows(size: int) -> None:
    """They are taken in by the thousand."""
    requests = [LoggedRequest(n, f'{{"x": {n}}}', '{"y": "a"}') for n in range(1, 2501)]
    window = Window(COLUMNS, size)
    window.extend(Reading(Cursor("log", 2500), requests, anew=True))
    assert sorted(window.values(0).tolist()) == list(range(max(1, 2501 - size), 2501))


def test_no_row_counts_twice() -> None:
    """What was read before is known by its number."""
    window = Window(COLUMNS, 5)
    for _ in range(2):
        window.extend(reading(rows(1), sequence=1, anew=False))
    assert window.rows == 1
    assert window.cursor == Cursor("log", 1)


def test_another_log_begins_another_window() -> None:
    """Its numbers begin anew, too."""
    window = Window(COLUMNS, 5)
    window.extend(reading(rows(1, 2, 3), sequence=9))
    window.extend(reading(rows(4), sequence=1))
    assert window.values(0).tolist() == [4]
    assert window.cursor.sequence == 1


def test_hashed_rows_give_nothing() -> None:
    """Where the log began or ceased to hold values in clear, those in clear count."""
    hashed = {"x": HASH, "y": HASH}
    window = Window(COLUMNS, 9)
    window.extend(reading([*rows(1), hashed, *rows(2, 3), hashed]))
    assert window.values(0).tolist() == [1, 2, 3]
    window.extend(reading([hashed], sequence=2, anew=False))
    assert window.rows == 3


def test_a_hash_hides_its_own_value_and_no_other_of_its_row() -> None:
    """What is in clear counts; so a personal column needs no setting to be left out."""
    window = Window(COLUMNS, 9)
    window.extend(reading([{"x": HASH, "y": "b"}, *rows(2), {"x": None, "y": HASH}]))
    assert window.rows == 2
    assert window.values(0).tolist() == [np.inf, 2]
    assert window.values(1).tolist() == [1, 1]
    counted = count_columns(window)
    assert [(column.rows, column.missing) for column in counted] == [(1, 0), (2, 0)]


def test_a_row_that_does_not_fit_the_columns_is_left_out_alone() -> None:
    """Those around it count."""
    window = Window(COLUMNS, 9)
    window.extend(reading([*rows(1), {"x": "wrong", "y": "b"}, *rows(2, 3)]))
    assert window.values(0).tolist() == [1, 2, 3]


def test_the_confidence_is_the_greatest_probability() -> None:
    """It needs probabilities in clear."""
    row = {"x": 1, "y": "a", "probabilities": {"a": 0.75, "b": 0.25}}
    window = Window(COLUMNS, 5)
    window.extend(reading([row, *rows(1), row | {"probabilities": "hmac:1"}]))
    np.testing.assert_array_equal(window.confidence(), [0.75, np.nan, np.nan])


def test_a_row_that_cannot_be_read_leaves_the_others_counted_once() -> None:
    """The window raises, and goes on after that row."""
    window = Window(COLUMNS, 5)
    window.extend(reading(rows(1)))
    broken = LoggedRequest(3, json.dumps([{"x": 1}]), "[")
    with pytest.raises(ValueError, match="truncated"):
        window.extend(Reading(Cursor("log", 3), [broken], anew=False))
    window.extend(reading(rows(5), sequence=4, anew=False))
    assert window.values(0).tolist() == [1, 5]
