"""Labelled rows, and answers with probabilities, as the log gives them."""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitoring.feedback.reader import FeedbackReader
from monitoring.log.errors import LogUnavailableError
from tests.monitoring.feedback.labelled_log import PRICE, LabelledLog, fruits, moment, sure


@pytest.fixture
def log(path: Path) -> Iterator[LabelledLog]:
    """Return an open log that forgets after a day."""
    with LabelledLog(path, retention_days=1) as log:
        yield log


def test_totals_count_each_row_once_and_outlive_it(log: LabelledLog) -> None:
    """Told anew it does not count again; a counter must never go down."""
    log.answered("a", *fruits("PP"))
    log.told("a", "Plum", "Plum")
    log.later(hours=1)
    log.told("a", "Melon")
    reader = FeedbackReader(log.path)
    expected = [("fruit", "v1", 2, moment(hours=1))]
    assert reader.totals() == expected
    log.later(days=9)
    assert log.retain()
    assert reader.labelled("fruit", "v1", 9) == []
    assert reader.totals() == expected


def test_labelled_rows_come_newest_first(log: LabelledLog) -> None:
    """With what was answered, what was true, and when."""
    log.answered("a", *fruits("PM"))
    log.later(minutes=1)
    log.answered("b", *fruits("M"))
    log.told("b", "Kiwi")
    log.told("a", "Plum", "Melon")
    newest, *others = FeedbackReader(log.path).labelled("fruit", "v1", 2)
    assert (newest.truth, newest.answer) == ("Kiwi", {"fruit": "Melon"})
    assert newest.predicted == newest.told == moment(minutes=1)
    assert [(row.truth, row.told - row.predicted) for row in others] == [
        ("Melon", timedelta(minutes=1))
    ]


def test_answers_with_probabilities_come_newest_first(log: LabelledLog) -> None:
    """Of one version, no more than are asked for, past those without."""
    log.answered("a", sure("Plum", 0.6), sure("Plum", 0.7))
    log.answered("b", *fruits("PM"))
    log.answered("c", sure("Plum", 0.9))
    log.answered("d", {"price": 1, "probabilities": {"1": 1.0}}, of=PRICE)
    found = FeedbackReader(log.path).with_probabilities("fruit", "v1", 2)
    assert [answer["probabilities"]["Plum"] for answer in found] == [0.9, 0.6]


def test_the_look_back_is_bounded(log: LabelledLog) -> None:
    """Where nobody asks for probabilities, not the whole log is read for them."""
    log.answered("old", sure("Plum", 0.6))
    log.answered("new", *fruits("P" * 20))
    reader = FeedbackReader(log.path)
    assert reader.with_probabilities("fruit", "v1", 2) == []
    assert len(reader.with_probabilities("fruit", "v1", 3)) == 1


def test_labels_are_found_by_an_index(log: LabelledLog) -> None:
    """However many another version has."""
    log.answered("a", *fruits("P"))
    plan = "EXPLAIN QUERY PLAN SELECT value FROM feedback WHERE total = 1 AND asked = 0 "
    with contextlib.closing(sqlite3.connect(log.path)) as connection:
        found = connection.execute(f"{plan} ORDER BY sequence DESC, row DESC").fetchall()
    assert [row[3] for row in found] == [
        "SEARCH feedback USING INDEX feedback_by_total (total=? AND asked=?)"
    ]


def test_no_log_is_a_sentence(path: Path) -> None:
    """Whatever is asked."""
    with pytest.raises(LogUnavailableError, match="no prediction log"):
        FeedbackReader(path).totals()
