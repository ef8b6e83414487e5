"""Which true values and answers can be compared."""

from typing import Any

import pytest

from monitoring.feedback.comparison import comparable, usable_rows
from monitoring.feedback.reader import LabelledRow
from tests.monitoring.feedback.labelled_log import moment

PLUM, MELON = (f"hmac:{letter * 64}" for letter in "ab")


def row(truth: Any, answer: Any) -> LabelledRow:
    """Return a labelled row of an output `y`."""
    return LabelledRow(moment(), moment(), truth, {} if answer is None else {"y": answer})


@pytest.mark.parametrize(
    ("truth", "answer", "expected"),
    [
        ("Plum", "Melon", True),
        (PLUM, MELON, True),
        (PLUM, "Plum", False),
        ("Plum", PLUM, False),
        ("hmac:mine", "Plum", True),
        (1, 2.0, True),
        (None, "Plum", False),
        ("Plum", None, False),
        ({"y": "Plum"}, "Plum", False),
    ],
)
def test_a_hash_is_compared_with_a_hash(truth: Any, answer: Any, *, expected: bool) -> None:
    """A class that only begins like one is a class."""
    assert comparable(truth, answer) is expected


@pytest.mark.parametrize("newest_is_hashed", [False, True])
def test_of_clear_and_hashed_rows_those_of_the_newest_form_are_usable(
    *, newest_is_hashed: bool
) -> None:
    """Otherwise each class would count twice; a row that cannot be used decides nothing."""
    clear, hashed = row("Plum", "Plum"), row(PLUM, PLUM)
    newest, other = (hashed, clear) if newest_is_hashed else (clear, hashed)
    rows = [row(PLUM, "Plum"), newest, other, newest]
    assert usable_rows(rows, "y", "classification") == [newest, newest]


def test_a_regression_is_scored_by_numbers() -> None:
    """Neither a hash nor a boolean is one."""
    rows = [row(1, 2.5), row(PLUM, PLUM), row(True, 1), row(1, None)]
    assert usable_rows(rows, "y", "regression") == rows[:1]
