"""The rows most worth a label, given out once at a time."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from monitoring.feedback import label_queue
from monitoring.feedback.label_queue import LabelQueue, Rarity, Task, candidates
from monitoring.log.errors import LogUnavailableError
from monitoring.log.leases import Lease, Reason
from tests.monitoring.feedback.labelled_log import PRICE, LabelledLog, fruits, moment, sure

DAY = 86_400.0
NO_RARITY: Mapping[str, Rarity] = {}


@pytest.fixture
def log(path: Path) -> Iterator[LabelledLog]:
    """Return an open log."""
    with LabelledLog(path) as log:
        yield log


def take(
    log: LabelledLog, rows: int, rarities: Mapping[str, Rarity] = NO_RARITY, model: str = "fruit"
) -> list[Task]:
    """Take rows for a day."""
    queue = LabelQueue(log, DAY, lambda: log.now, Random(1))  # noqa: S311 - a test's choice
    return queue.take(model, rows, rarities)


def places(tasks: list[Task]) -> list[tuple[str, int]]:
    """Return which rows were given."""
    return [(task.row.request_id, task.row.row) for task in tasks]


def test_reasons_take_turns(log: LabelledLog) -> None:
    """The least certain, the rarest, one at random; and again."""
    log.answered("a", *[sure("Plum", share) for share in (0.9, 0.6, 0.7, 0.8, 0.95, 0.99)])
    tasks = take(log, 6, {"v1": lambda inputs: inputs["x"]})
    assert [task.reason for task in tasks] == [
        *[Reason.UNCERTAIN, Reason.DRIFTED, Reason.RANDOM] * 2
    ]
    assert places(tasks)[:2] == [("a", 1), ("a", 5)]
    assert sorted(places(tasks)) == [("a", row) for row in range(6)]


def test_a_row_comes_with_what_a_person_needs(log: LabelledLog) -> None:
    """What was asked, what was answered, and when."""
    log.answered("a", *fruits("PM"))
    rows = {task.row.row: task.row for task in take(log, 2)}
    assert (rows[1].request_id, rows[1].version, rows[1].time) == ("a", "v1", moment())
    assert (rows[1].inputs, rows[1].answer) == ({"x": 1}, {"fruit": "Melon"})


def test_without_probabilities_and_rarities_all_is_random(log: LabelledLog) -> None:
    """As for a regression whose reference is not known."""
    log.answered("a", {"price": 1}, {"price": 2}, of=PRICE)
    tasks = take(log, 2, model="price")
    assert [task.reason for task in tasks] == [Reason.RANDOM] * 2


def test_a_row_is_given_once_while_it_is_out(log: LabelledLog) -> None:
    """Afterwards to somebody else."""
    log.answered("a", *fruits("PPP"))
    first = take(log, 2)
    assert len(first) == 2
    assert len(take(log, 2)) == 1
    assert take(log, 2) == []
    log.later(seconds=DAY - 1)
    assert take(log, 2) == []
    log.later(seconds=1)
    assert len(take(log, 3)) == 3


def test_a_row_that_somebody_else_was_given_meanwhile_is_left_out(log: LabelledLog) -> None:
    """Two may look at the log before either takes: the writer gives each row once."""
    log.answered("a", *fruits("PPP"))
    wanted = [Lease(1, row, Reason.RANDOM) for row in range(3)]
    assert log.lease(wanted[1:2], 1, DAY) == [0]
    assert log.lease(wanted, 2, DAY) == [0, 2]


def test_a_labelled_row_is_never_given(log: LabelledLog) -> None:
    """Nor one that retention removed, however it comes to be wanted."""
    log.answered("a", *fruits("PP"))
    log.told("a", "Plum")
    assert places(take(log, 9)) == [("a", 1)]
    wanted = [Lease(1, 0, Reason.RANDOM), Lease(9, 0, Reason.RANDOM)]
    assert log.lease(wanted, 2, DAY) == []


def test_a_request_id_that_was_used_again_means_the_later_request(log: LabelledLog) -> None:
    """A label of the earlier one could not be told."""
    log.answered("a", *fruits("PP"))
    log.answered("a", *fruits("M"))
    assert places(take(log, 9)) == [("a", 0)]


def test_what_the_log_does_not_keep_is_not_shown(path: Path) -> None:
    """Who has the rows elsewhere finds them by the request's id."""
    with LabelledLog(path, keep="none") as log:
        log.answered("a", sure("Plum", 0.9))
        (task,) = take(log, 9, {"v1": lambda _: pytest.fail("there are no inputs")})
    assert (task.row.inputs, task.row.answer, task.reason) == (None, None, Reason.RANDOM)


def test_only_the_newest_rows_are_looked_at(
    log: LabelledLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the log is."""
    monkeypatch.setattr(label_queue, "CANDIDATE_ROWS", 3)
    log.answered("old", *fruits("PP"))
    log.answered("new", *fruits("PP"))
    found: list[Any] = candidates(log.path, "fruit", log.now)
    assert [(row.request_id, row.row) for row in found] == [("new", 0), ("new", 1), ("old", 0)]


def test_no_log_is_a_sentence(path: Path) -> None:
    """There is nothing to be labelled."""
    with pytest.raises(LogUnavailableError, match="no prediction log"):
        candidates(path, "fruit", moment())
