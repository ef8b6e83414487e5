"""The label queue returns the rows most useful to label, each to one caller at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from monitoring.feedback import label_queue
from monitoring.feedback.label_queue import Candidate, LabelQueue, Rarity, Task, candidates, ranked
from monitoring.feedback.live_scores import live_scores
from monitoring.feedback.reader import FeedbackReader
from monitoring.log.errors import LogUnavailableError
from monitoring.log.sample import in_sample
from monitoring.log.writing.leases import Lease, Reason
from monitoring.log.writing.true_values import Feedback
from tests.monitoring.feedback.labelled_log import FRUIT, PRICE, LabelledLog, fruits, moment, sure

DAY = 86_400.0
NO_RARITY: Mapping[str, Rarity] = {}


@pytest.fixture
def log(path: Path) -> Iterator[LabelledLog]:
    """Return an open log."""
    with LabelledLog(path) as log:
        yield log


def take(
    log: LabelledLog,
    rows: int,
    rarities: Mapping[str, Rarity] = NO_RARITY,
    model: str = "fruit",
    seed: int = 1,
) -> list[Task]:
    """Take rows for a day."""
    queue = LabelQueue(log, DAY, lambda: log.now, Random(seed))  # noqa: S311 - a test's choice
    return queue.take(model, rows, rarities)


def places(tasks: list[Task]) -> list[tuple[str, int]]:
    """Return which rows were returned."""
    return [(task.row.request_id, task.row.row) for task in tasks]


def test_reasons_alternate(log: LabelledLog) -> None:
    """They are least certain, rarest, random, and so on; rows of the sample are all random."""
    shares = (0.9, 0.6, 0.7, 0.8, 0.95, 0.99, 0.5)
    log.answered("a", *[sure("Plum", share) for share in shares])
    # Rows 1, 5 and 6 are of the sample; 2 is the least certain of the others and 4 the rarest.
    tasks = take(log, 7, {"v1": lambda inputs: inputs["x"]})
    assert [task.reason for task in tasks][:6] == [
        *[Reason.UNCERTAIN, Reason.DRIFTED, Reason.RANDOM] * 2
    ]
    assert places(tasks)[:2] == [("a", 2), ("a", 4)]
    random = {task.row.row for task in tasks if task.reason is Reason.RANDOM}
    assert random == {row for row in range(7) if in_sample(1, row)}
    assert sorted(places(tasks)) == [("a", row) for row in range(7)]


def test_of_equal_hard_rows_one_is_returned_at_a_time(log: LabelledLog) -> None:
    """Equal random rows are kept: their share of all rows matters."""
    for number in range(12):
        log.answered(f"{number}", sure("Plum", 0.9))
    sampled = sum(in_sample(number, 0) for number in range(1, 13))
    reasons = [task.reason for task in take(log, 12)]
    assert sorted(reasons) == [Reason.UNCERTAIN, *[Reason.RANDOM] * sampled]
    assert [task.reason for task in take(log, 12)] == [Reason.UNCERTAIN]


def test_the_score_by_the_queues_labels_is_that_of_all_rows(log: LabelledLog) -> None:
    """A team labels 20 rows of the queue at a time; the least certain fifth is wrong."""
    log.answered("a", *[sure("Plum", 0.5 + row / 2000) for row in range(1000)])
    for batch in range(1, 31):
        tasks = take(log, 20, seed=batch)
        truths = ["Melon" if task.row.row < 200 else "Plum" for task in tasks]
        log.add_feedback(
            Feedback("a", task.row.row, truth) for task, truth in zip(tasks, truths, strict=True)
        )
    found = live_scores(FeedbackReader(log.path), FRUIT, rows=1000, min_rows=1)
    assert found.rows == 300
    assert abs(found.scores["accuracy"] - 0.8) < 3 * (0.8 * 0.2 / found.rows) ** 0.5


def test_that_score_is_right_on_average() -> None:
    """The average is over ten logs of 1,000 rows, with 100 or 600 labels."""
    logs, scores = range(1, 11), defaultdict(list)
    for sequence in logs:
        random = Random(sequence)  # noqa: S311 - a test's choice
        free = [
            Candidate(
                sequence, row, "a", moment(), "v1", {"x": row}, sure("Plum", 0.5 + row / 2000)
            )
            for row in range(1000)
        ]
        right: list[bool] = []
        for labels in range(20, 601, 20):
            given = {task.row.row for task in ranked(free, NO_RARITY, random, 20)}
            free = [row for row in free if row.row not in given]
            right += [row >= 200 for row in given if in_sample(sequence, row)]
            if labels % 100 == 0:
                scores[labels].append(sum(right) / len(right))
    assert sorted(scores) == [100, 200, 300, 400, 500, 600]
    for labels, found in scores.items():
        error = sum(found) / len(found) - 0.8
        assert abs(error) < 2 * (0.8 * 0.2 / (labels / 2 * len(logs))) ** 0.5


def test_a_row_comes_with_what_a_person_needs(log: LabelledLog) -> None:
    """It has its input, its answer and its time."""
    log.answered("a", *fruits("PM"))
    rows = {task.row.row: task.row for task in take(log, 2)}
    assert (rows[1].request_id, rows[1].version, rows[1].time) == ("a", "v1", moment())
    assert (rows[1].inputs, rows[1].answer) == ({"x": 1}, {"fruit": "Melon"})


def test_without_probabilities_and_rarities_all_is_random(log: LabelledLog) -> None:
    """A regression without a reference is such a case; no row is left out."""
    log.answered("a", {"price": 1}, {"price": 2}, of=PRICE)
    tasks = take(log, 2, model="price")
    assert [task.reason for task in tasks] == [Reason.RANDOM] * 2


def test_a_row_is_returned_once_while_it_is_out(log: LabelledLog) -> None:
    """Afterwards another caller gets it."""
    log.answered("a", *fruits("PPP"))
    first = take(log, 2)
    assert len(first) == 2
    assert len(take(log, 2)) == 1
    assert take(log, 2) == []
    log.later(seconds=DAY - 1)
    assert take(log, 2) == []
    log.later(seconds=1)
    assert len(take(log, 3)) == 3


def test_a_row_that_another_caller_took_meanwhile_is_left_out(log: LabelledLog) -> None:
    """Two callers may read the log before either takes a row: the writer leases each row once."""
    log.answered("a", *fruits("PPP"))
    wanted = [Lease(1, row, Reason.RANDOM) for row in range(3)]
    assert log.lease(wanted[1:2], 1, DAY) == [0]
    assert log.lease(wanted, 2, DAY) == [0, 2]


def test_a_labelled_row_is_never_returned(log: LabelledLog) -> None:
    """A row that retention removed is not returned either."""
    log.answered("a", *fruits("PP"))
    log.label("a", "Plum")
    assert places(take(log, 9)) == [("a", 1)]
    wanted = [Lease(1, 0, Reason.RANDOM), Lease(9, 0, Reason.RANDOM)]
    assert log.lease(wanted, 2, DAY) == []


def test_a_request_id_that_was_used_again_means_the_later_request(log: LabelledLog) -> None:
    """Feedback cannot name the earlier one."""
    log.answered("a", *fruits("PP"))
    log.answered("a", *fruits("M"))
    assert places(take(log, 9)) == [("a", 0)]


def test_values_that_the_log_does_not_keep_are_not_shown(path: Path) -> None:
    """Callers that keep the rows elsewhere find them by the request id."""
    with LabelledLog(path, keep="none") as log:
        log.answered("a", sure("Plum", 0.9))
        (task,) = take(log, 9, {"v1": lambda _: pytest.fail("there are no inputs")})
    assert (task.row.inputs, task.row.answer, task.reason) == (None, None, Reason.RANDOM)


def test_only_the_newest_rows_are_read(log: LabelledLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """That holds for a log of any length; of a large request the last rows are read."""
    monkeypatch.setattr(label_queue, "CANDIDATE_ROWS", 3)
    log.answered("old", *fruits("PP"))
    log.answered("new", *fruits("PP"))
    found: list[Any] = candidates(log.path, "fruit", log.now)
    assert [(row.request_id, row.row) for row in found] == [("new", 1), ("new", 0), ("old", 1)]


def test_no_log_is_a_sentence(path: Path) -> None:
    """The error says that there is no prediction log."""
    with pytest.raises(LogUnavailableError, match="no prediction log"):
        candidates(path, "fruit", moment())
