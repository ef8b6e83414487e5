"""Labelled rows, and answers with probabilities, as the log gives them."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from monitoring.feedback.reader import _ALL, _NEWEST_FIRST, _SAMPLE, FeedbackReader
from monitoring.log.errors import LogUnavailableError
from monitoring.log.sample import in_sample
from monitoring.log.writing.leases import Lease, Reason
from tests.monitoring.feedback.labelled_log import PRICE, LabelledLog, fruits, moment, sure


@pytest.fixture
def log(path: Path) -> Iterator[LabelledLog]:
    """Return an open log that forgets after a day."""
    with LabelledLog(path, retention_days=1) as log:
        yield log


def test_totals_count_each_row_once_and_outlive_it(log: LabelledLog) -> None:
    """A new value for the same row is a change but no new row; a counter must never go down."""
    log.answered("a", *fruits("PP"))
    log.label("a", "Plum", "Plum")
    log.later(hours=1)
    log.label("a", "Melon")
    reader = FeedbackReader(log.path)
    [total] = expected = reader.state().totals
    assert total[:3] == ("fruit", "v1", 2)
    assert (total.newest, total.changes) == (moment(hours=1), 3)
    log.later(days=9)
    assert log.retain()
    assert reader.labelled("fruit", "v1", 9) == []
    assert reader.state().totals == expected


def test_a_label_of_a_row_that_was_out_for_being_hard_is_counted_once(log: LabelledLog) -> None:
    """One that was out at random is not, nor one that nobody asked for."""
    log.answered("a", *fruits("PPPP"))
    wanted = enumerate((Reason.UNCERTAIN, Reason.DRIFTED, Reason.RANDOM))
    log.lease([Lease(1, row, reason) for row, reason in wanted], 3, seconds=60)
    log.label("a", *["Plum"] * 4)
    log.label("a", *["Melon"] * 4)
    [total] = FeedbackReader(log.path).state().totals
    assert (total.rows, total.asked, total.changes) == (4, 2, 8)


def test_the_log_begins_with_the_oldest_request_that_is_left(log: LabelledLog) -> None:
    """An empty one begins beyond all of them."""
    reader = FeedbackReader(log.path)
    log.answered("a", *fruits("P"))
    log.later(hours=20)
    log.answered("b", *fruits("P"))
    name, first, _ = reader.state()
    assert first == 1
    log.later(hours=5)
    log.retain()
    assert reader.state()[:2] == (name, 2)
    log.later(hours=20)
    log.retain()
    assert reader.state().first > 2**62


def test_labelled_rows_come_newest_first(log: LabelledLog) -> None:
    """Each has its answer, its true value and both times."""
    log.answered("a", *fruits("PM"))
    log.later(minutes=1)
    log.answered("b", *fruits("M"))
    log.label("b", "Kiwi")
    log.label("a", "Plum", "Melon")
    newest, *others = FeedbackReader(log.path).labelled("fruit", "v1", 2)
    assert (newest.truth, newest.answer) == ("Kiwi", {"fruit": "Melon"})
    assert newest.predicted == newest.received == moment(minutes=1)
    assert [(row.truth, row.received - row.predicted) for row in others] == [
        ("Melon", timedelta(minutes=1))
    ]


def test_labels_whose_answers_were_not_kept_are_there(path: Path) -> None:
    """So the reason for missing scores can be reported."""
    with LabelledLog(path, keep="none") as log:
        log.answered("a", *fruits("P"))
        log.label("a", "Plum")
    [row] = FeedbackReader(path).labelled("fruit", "v1", 9)
    assert (row.truth, row.answer) == (None, {})


def test_all_labels_come_newest_first_whether_sampled_or_not(log: LabelledLog) -> None:
    """The two parts are merged, and no more than the limit is given."""
    log.answered("a", *fruits("P" * 30))
    log.label("a", *["Plum"] * 30)
    found = FeedbackReader(log.path).labelled("fruit", "v1", 20)
    assert [row.row for row in found] == list(range(29, 9, -1))
    assert len({in_sample(1, row.row) for row in found}) == 2


def test_the_newest_answers_come_newest_first(log: LabelledLog) -> None:
    """The last rows of a request that is not wanted in whole; without probabilities: empty."""
    log.answered("a", sure("Plum", 0.6), sure("Plum", 0.7))
    log.answered("b", *fruits("PM"))
    log.answered("c", sure("Plum", 0.9))
    log.answered("d", {"price": 1, "probabilities": {"1": 1.0}}, of=PRICE)
    reader = FeedbackReader(log.path)
    plum = sure("Plum", 0.9)
    assert reader.newest_answers("fruit", "v1", 2) == [plum, {}]
    assert reader.newest_answers("fruit", "v1", 4) == [plum, {}, {}, sure("Plum", 0.7)]


def test_labels_are_found_by_an_index(log: LabelledLog) -> None:
    """The index finds them among labels of other versions, without sorting."""
    log.answered("a", *fruits("P"))
    values = {"total": 1, "first": 1, "last": 9, "rows": 9}
    with contextlib.closing(apsw.Connection(str(log.path))) as connection:
        for query in (_ALL, _SAMPLE):
            plan = connection.execute(f"EXPLAIN QUERY PLAN {query}{_NEWEST_FIRST}", values)
            steps = [row[3] for row in plan]
            searches = [step for step in steps if step.startswith("SEARCH")]
            index = (
                "USING INDEX feedback_by_total (total=? AND sample=? AND sequence>? AND sequence<?)"
            )
            assert set(searches) == {f"SEARCH feedback {index}"}
            assert not [step for step in steps if "TEMP B-TREE" in step]


def test_no_log_is_a_sentence(path: Path) -> None:
    """Every query gives it."""
    with pytest.raises(LogUnavailableError, match="no prediction log"):
        FeedbackReader(path).state()
