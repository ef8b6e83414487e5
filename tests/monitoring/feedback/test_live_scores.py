"""Live scores from true values, and the estimate without them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitoring.feedback.answer_scores import ScoredVersion
from monitoring.feedback.confidence import SMALLEST_CALIBRATION
from monitoring.feedback.live_scores import LiveScores, live_scores, scores_over_time
from monitoring.feedback.reader import FeedbackReader
from monitoring.log.database.views import ViewColumn
from monitoring.log.sample import in_sample
from monitoring.log.span import Span
from monitoring.log.writing.leases import Lease, Reason
from monitoring.log.writing.true_values import Feedback
from tests.monitoring.feedback.labelled_log import (
    FRUIT,
    PRICE,
    LabelledLog,
    fruits,
    moment,
    sure,
)


@pytest.fixture
def log(path: Path) -> Iterator[LabelledLog]:
    """Return an open log."""
    with LabelledLog(path) as log:
        yield log


def scored(
    log: LabelledLog, of: ScoredVersion = FRUIT, rows: int = 100, min_rows: int = 1
) -> LiveScores:
    """Score the rows of the log."""
    return live_scores(FeedbackReader(log.path), of, rows=rows, min_rows=min_rows)


def test_answers_are_compared_with_true_values(log: LabelledLog) -> None:
    """Rows of all requests count, but not rows without a label."""
    log.answered("many", *fruits("PPMM"))
    log.answered("one", *fruits("P"))
    log.label("many", "Plum", "Melon", "Melon")
    log.label("one", "Plum")
    found = scored(log)
    assert found.rows == 4
    assert found.scores["accuracy"] == 0.75
    # Two of two plums and one of two melons are right; three plums and one melon were answered.
    assert found.scores["f1_macro"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert "log_loss" not in found.scores


def test_numbers_have_errors_and_a_bias(log: LabelledLog) -> None:
    """An integer is a number, too."""
    log.answered("a", {"price": 2}, {"price": 4.5}, of=PRICE)
    log.label("a", 1, 4.5)
    found = scored(log, PRICE)
    assert found.scores["mean_absolute_error"] == 0.5
    assert found.scores["bias"] == 0.5
    assert found.estimate is None


def test_probabilities_give_a_log_loss(log: LabelledLog) -> None:
    """It needs probabilities for at least half of the scored rows, and is computed from those."""
    log.answered("sure", sure("Plum", 0.5))
    log.answered("plain", *fruits("PP"))
    log.label("sure", "Melon")
    log.label("plain", "Melon")
    assert scored(log).scores["log_loss"] == pytest.approx(0.6931, abs=1e-4)
    log.label("plain", "Melon", "Melon")
    assert "log_loss" not in scored(log).scores


def test_no_estimate_is_made_of_older_answers(log: LabelledLog) -> None:
    """There is none if fewer than half of the newest rows have probabilities."""
    log.answered("sure", *[sure("Plum", 0.9)] * 6)
    log.answered("plain", *fruits("P" * 3))
    estimate = scored(log, rows=6).estimate
    assert estimate
    assert estimate.rows == 3
    log.answered("more", *fruits("P"))
    assert scored(log, rows=6).estimate is None


@pytest.mark.parametrize(
    ("answer", "truth", "name"),
    [(True, True, "true"), (5, 5, "5"), (5, 5.0, "5")],
)
def test_labels_need_not_be_texts(log: LabelledLog, answer: Any, truth: Any, name: str) -> None:
    """The names of probabilities are text; 5.0 is the class 5."""
    log.answered("a", {"fruit": answer, "probabilities": {name: 0.75, "other": 0.25}})
    log.label("a", truth)
    found = scored(log)
    assert found.scores["accuracy"] == 1
    assert found.scores["log_loss"] == pytest.approx(0.2877, abs=1e-4)
    assert found.estimate
    assert found.estimate.scores["accuracy"] == 0.75


def test_a_class_that_the_model_does_not_know_is_a_wrong_row(log: LabelledLog) -> None:
    """The number of such labels is reported; it is no class of its own."""
    of = replace(FRUIT, classes=frozenset({"Plum", "Melon"}))
    log.answered("a", *fruits("PPMM"))
    log.label("a", "Plum", "plum", "Melon", "Melon")
    found = scored(log, of)
    assert found.unknown_labels == 1
    # One plum of two that were answered, and both melons.
    assert found.scores == {"accuracy": 0.75, "f1_macro": pytest.approx((2 / 3 + 1) / 2)}


def test_where_no_classes_are_known_each_label_is_one(log: LabelledLog) -> None:
    """A label that is never answered is a class and a wrong answer."""
    log.answered("a", *fruits("P"))
    log.label("a", "Kiwi")
    found = scored(log)
    assert (found.scores, found.unknown_labels) == ({"accuracy": 0, "f1_macro": 0}, 0)


def test_the_newest_predictions_count_however_late_their_labels(log: LabelledLog) -> None:
    """A label that comes late refines the window that its prediction is in."""
    for name in ("old", "new"):
        log.answered(name, *fruits("P"))
    log.label("new", "Plum")
    assert scored(log, rows=1).scores["accuracy"] == 1
    log.later(days=3)
    log.label("old", "Melon")
    assert scored(log, rows=1).scores["accuracy"] == 1
    assert scored(log, rows=2).scores["accuracy"] == 0.5


def test_each_version_has_its_own_scores(log: LabelledLog) -> None:
    """The labels of other versions do not matter."""
    other = ScoredVersion("fruit", "v2", "fruit", "classification")
    log.answered("a", *fruits("P"))
    log.answered("b", *fruits("PPP"), of=other)
    log.label("a", "Plum")
    log.label("b", "Melon", "Melon", "Melon")
    assert scored(log, rows=2).scores["accuracy"] == 1
    assert scored(log, other, rows=2).scores["accuracy"] == 0


def test_below_the_minimum_only_the_number_of_rows_is_reported(log: LabelledLog) -> None:
    """A score of two rows would disclose their values."""
    log.answered("a", *[sure("Plum", 0.9)] * 3)
    log.label("a", "Plum", "Plum")
    found = scored(log, replace(FRUIT, classes=frozenset({"Melon"})), min_rows=3)
    assert (found.rows, found.scores, found.delay_seconds) == (2, {}, None)
    assert found.unknown_labels == 0
    assert found.estimate
    assert scored(log, min_rows=4).estimate is None


def test_the_delay_is_the_median_from_prediction_to_label(log: LabelledLog) -> None:
    """The newest label is the one that was added last, for any prediction."""
    for hours in (1, 2, 30):
        log.now = moment(days=hours)
        log.answered(f"{hours}", *fruits("P"))
        log.later(hours=hours)
        log.label(f"{hours}", "Plum")
    found = scored(log)
    assert found.delay_seconds == 7200
    assert found.newest == moment(days=30, hours=30)


def test_without_labels_there_are_no_scores(log: LabelledLog) -> None:
    """There is no score, no delay and no reason."""
    log.answered("a", *fruits("P"))
    assert scored(log) == LiveScores(FRUIT)


def test_hashed_labels_are_equal_or_not(path: Path) -> None:
    """That is enough for accuracy and F1; no probability is kept."""
    with LabelledLog(path, keep="hashed", key=b"sixteen bytes or more") as log:
        log.declare("fruit", [ViewColumn("fruit", "category", "output")])
        log.answered("a", sure("Plum", 0.9), sure("Plum", 0.9))
        log.label("a", "Plum", "Melon")
        of = replace(FRUIT, classes=frozenset({"Plum", "Melon"}))
        found = scored(log, of)
        assert found.scores == {"accuracy": 0.5, "f1_macro": pytest.approx(1 / 3)}
        assert (found.unknown_labels, found.estimate) == (0, None)


def test_a_hash_is_not_compared_with_a_class(path: Path) -> None:
    """Where labels began to be hashed after the answer, a right one would count as wrong."""
    columns = [ViewColumn("fruit", "category", "output")]
    with LabelledLog(path) as log:
        log.answered("clear", *fruits("P" * 3))
        log.label("clear", "Plum")
    with LabelledLog(path, keep="hashed", key=b"sixteen bytes or more") as log:
        log.declare("fruit", columns)
        log.add_feedback([Feedback("clear", 1, "Plum")])
        assert (scored(log).rows, scored(log).scores["accuracy"]) == (1, 1)
        log.answered("hashed", *fruits("MP"))
        log.label("hashed", "Melon", "Plum")
        # Only those of the newest form: a plum in clear is no class beside the hashed one.
        assert (scored(log).rows, scored(log).scores["f1_macro"]) == (2, 1)


@pytest.mark.parametrize("keep", ["hashed", "none"])
def test_the_reason_for_missing_scores_is_reported(path: Path, keep: str) -> None:
    """Hashes of numbers cannot be subtracted."""
    with LabelledLog(path, keep=keep, key=b"sixteen bytes or more") as log:
        log.answered("a", {"price": 2}, of=PRICE)
        log.label("a", 2)
        found = scored(log, PRICE)
        assert (found.rows, found.scores) == (0, {})
        assert "hashes, or not at all" in found.unscored


def test_no_label_in_a_span_is_none_that_cannot_be_scored(log: LabelledLog) -> None:
    """Labels of other days are no reason for a sentence about hashes."""
    log.answered("a", *fruits("P"))
    log.label("a", "Plum")
    log.answered("b", *fruits("P"))
    reader = FeedbackReader(log.path, Span(2, 2))
    found = live_scores(reader, FRUIT, rows=9, min_rows=1)
    assert (found.rows, found.unscored, found.newest) == (0, "", moment())


def test_without_enough_labels_probabilities_are_used_as_they_are(log: LabelledLog) -> None:
    """The estimate uses the newest answers, and says that it is not calibrated."""
    log.answered("a", sure("Plum", 0.9), sure("Melon", 0.7))
    estimate = scored(log).estimate
    assert estimate
    assert (estimate.rows, estimate.calibrated) == (2, False)
    assert estimate.scores["accuracy"] == pytest.approx(0.8)


def test_labels_calibrate_the_estimate(log: LabelledLog) -> None:
    """For a model that is too sure, the estimate is the share that was right before."""
    rows = SMALLEST_CALIBRATION
    log.answered("a", *[sure("Plum", 0.9)] * rows)
    log.label("a", *["Plum", "Melon"] * (rows // 2))
    log.answered("b", *[sure("Plum", 0.9)] * 10)
    estimate = scored(log, rows=rows).estimate
    assert estimate
    assert (estimate.rows, estimate.calibrated) == (rows, True)
    assert estimate.scores["accuracy"] == pytest.approx(0.5)


def test_once_a_hard_row_was_labelled_only_the_sample_is_scored(log: LabelledLog) -> None:
    """Hard rows would lower the score; a row without a label changes nothing."""
    log.answered("a", *fruits("P" * 12))
    truths = ["Plum" if in_sample(1, row) else "Melon" for row in range(12)]
    log.label("a", *truths[:4])
    assert log.lease([Lease(1, 4, Reason.UNCERTAIN)], 1, seconds=60) == [0]
    assert scored(log).rows == 4
    log.label("a", *truths)
    assert (scored(log).rows, scored(log).scores["accuracy"]) == (truths.count("Plum"), 1)
    others = FeedbackReader(log.path).labelled("fruit", "v1", 99, scored=False)
    assert [row.truth for row in others] == ["Melon"] * truths.count("Melon")


def test_hard_labels_calibrate(log: LabelledLog) -> None:
    """They are used beside the rows that are scored."""
    rows = SMALLEST_CALIBRATION
    log.answered("a", *[sure("Plum", 0.9)] * rows)
    log.lease([Lease(1, row, Reason.UNCERTAIN) for row in range(rows)], rows, seconds=60)
    log.label("a", *["Melon"] * rows)
    found = scored(log, rows=rows)
    assert found.rows < rows
    assert found.estimate
    assert found.estimate.calibrated


def test_scores_over_time_are_of_periods_of_equal_length(log: LabelledLog) -> None:
    """The time is that of the prediction; empty periods are left out, small ones have no scores."""
    for hour, truths in ((0, ["Plum"] * 2), (1, ["Melon"] * 2), (8, ["Plum"])):
        log.now = moment(hours=hour)
        log.answered(f"{hour}", *fruits("PP"))
        log.label(f"{hour}", *truths)
    labelled = FeedbackReader(log.path).labelled("fruit", "v1", 9)
    periods = scores_over_time(labelled, FRUIT, periods=4, min_rows=2)
    assert [(p.start, p.end, p.rows, p.scores.get("accuracy")) for p in periods] == [
        (moment(hours=0), moment(hours=2), 4, 0.5),
        (moment(hours=6), moment(hours=8), 1, None),
    ]
    assert scores_over_time([], FRUIT, periods=4, min_rows=1) == []
    (only,) = scores_over_time(labelled[:1], FRUIT, periods=4, min_rows=1)
    assert only.start == only.end == moment(hours=8)
