"""Scores are asked for again and again; labels are read only if they may have changed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitoring.feedback.live_scores import LiveScorer, LiveScores
from monitoring.feedback.reader import FeedbackReader, LabelledRow
from monitoring.log.errors import LogUnavailableError
from tests.monitoring.feedback.labelled_log import FRUIT, PRICE, LabelledLog, fruits, sure

Score = Callable[..., LiveScores]


class CountingReader(FeedbackReader):
    """Counts how often labels and answers are read; answers can be made unreadable."""

    labels = answers = 0
    is_broken = False

    def labelled(self, *args: Any, scored: bool = True) -> list[LabelledRow]:
        """Count and read."""
        self.labels += scored
        return super().labelled(*args, scored=scored)

    def newest_answers(self, *args: Any) -> Any:
        """Count and read, or fail."""
        if self.is_broken:
            raise LogUnavailableError
        self.answers += 1
        return super().newest_answers(*args)


@pytest.fixture
def log(path: Path) -> Iterator[LabelledLog]:
    """Return an open log that forgets after a day, with two labelled rows."""
    with LabelledLog(path, retention_days=1) as log:
        log.answered("a", *[sure("Plum", 0.9)] * 2)
        log.label("a", "Plum", "Plum")
        yield log


@pytest.fixture
def reader(log: LabelledLog) -> CountingReader:
    """Return a reader of the log."""
    return CountingReader(log.path)


@pytest.fixture
def score(reader: CountingReader) -> Score:
    """Return a live scorer of that reader."""
    scorer = LiveScorer(reader, FRUIT, rows=100, min_rows=1)
    return lambda **options: scorer.score(reader.state(), **options)


def test_labels_are_read_once_while_none_is_added(
    log: LabelledLog, reader: CountingReader, score: Score
) -> None:
    """New predictions change the estimate alone, and without any nothing is read."""
    first = score()
    assert score(answered=False) is first
    assert (reader.labels, reader.answers) == (1, 1)
    log.answered("b", sure("Melon", 0.6))
    second = score()
    assert (reader.labels, reader.answers) == (1, 2)
    assert second.scores == first.scores
    assert first.estimate
    assert second.estimate
    assert (first.estimate.rows, second.estimate.rows) == (2, 3)


def test_labels_of_others_are_no_reason_to_read(
    log: LabelledLog, reader: CountingReader, score: Score
) -> None:
    """Each version counts its own."""
    score()
    log.answered("c", {"price": 1.0}, of=PRICE)
    log.label("c", 2.0)
    score(answered=False)
    assert reader.labels == 1


def test_a_corrected_label_counts_although_the_clock_was_set_back(
    log: LabelledLog, score: Score
) -> None:
    """The number of changes decides, as the newest time is an older one."""
    assert score().scores["accuracy"] == 1
    log.later(hours=-1)
    log.label("a", "Melon", "Melon")
    assert score(answered=False).scores["accuracy"] == 0


def test_rows_that_retention_removed_are_scored_no_more(log: LabelledLog, score: Score) -> None:
    """That holds also if none is left."""
    log.later(hours=20)
    log.answered("b", *fruits("P"))
    log.label("b", "Plum")
    assert score().rows == 3
    log.later(hours=20)
    assert log.retain()
    assert score(answered=False).rows == 1
    log.later(hours=20)
    assert log.retain()
    assert score(answered=False).rows == 0


def test_another_log_is_read_anew(log: LabelledLog, score: Score) -> None:
    """That holds even if its counts are the same."""
    assert score().scores["accuracy"] == 1
    log.path.rename(log.path.with_suffix(".moved"))
    log.answered("a", *fruits("PP"))
    log.label("a", "Melon", "Melon")
    assert score(answered=False).scores["accuracy"] == 0


def test_rows_that_could_not_be_read_are_read_the_next_time(
    log: LabelledLog, reader: CountingReader, score: Score
) -> None:
    """The predictions and labels of a failed reading are not forgotten."""
    score()
    log.label("a", "Melon")
    reader.is_broken = True
    with pytest.raises(LogUnavailableError):
        score()
    reader.is_broken = False
    assert score(answered=False).scores["accuracy"] == 0.5
    assert reader.answers == 2
