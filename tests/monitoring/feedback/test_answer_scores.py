"""Scores of several outputs, and of an interval, by true values that came later."""

from dataclasses import replace
from pathlib import Path

import pytest

from monitoring.feedback.answer_scores import ScoredInterval, ScoredVersion
from monitoring.feedback.live_scores import live_scores
from monitoring.feedback.reader import FeedbackReader
from tests.monitoring.feedback.labelled_log import PRICE, LabelledLog

NORTH, SOUTH = (ScoredVersion("sales", "v1", name, "regression") for name in ("north", "south"))
SALES = replace(NORTH, each=(NORTH, SOUTH))
BOUNDED = replace(PRICE, interval=ScoredInterval("price_lower", "price_upper", 0.8))


def test_each_output_is_scored_by_the_values_that_name_it(path: Path) -> None:
    """Their mean is published for scores without a unit; a later value adds to earlier ones."""
    with LabelledLog(path) as log:
        log.answered("a", *({"north": n, "south": 2 * n} for n in range(4)), of=SALES)
        log.label("a", *({"north": n} for n in range(4)))
        log.label("a", *({"south": 2 * n + 1} for n in range(4)))
        found = live_scores(FeedbackReader(path), SALES, rows=10, min_rows=4)
    assert found.rows == 4
    assert found.scores["mean_absolute_error (north)"] == 0
    assert found.scores["mean_absolute_error (south)"] == 1
    assert found.scores["bias (south)"] == -1
    both = (found.scores["r2 (north)"], found.scores["r2 (south)"])
    assert both == pytest.approx((1.0, 0.8))
    assert found.scores["r2"] == pytest.approx(0.9)
    assert "mean_absolute_error" not in found.scores


def test_an_output_with_too_few_values_has_no_score(path: Path) -> None:
    """Then there is no mean either: it would be that of another set of outputs."""
    with LabelledLog(path) as log:
        log.answered("a", *({"north": n, "south": n} for n in range(4)), of=SALES)
        log.label("a", *({"north": n} for n in range(4)))
        found = live_scores(FeedbackReader(path), SALES, rows=10, min_rows=4)
    assert "r2 (north)" in found.scores
    assert not {"r2", "r2 (south)"} & found.scores.keys()


def test_values_that_name_no_output_are_not_scored_and_a_sentence_says_so(path: Path) -> None:
    """They could be of any of them; or the log keeps no answers, as here."""
    with LabelledLog(path, keep="none") as log:
        log.answered("a", *({"north": n, "south": n} for n in range(4)), of=SALES)
        log.label("a", *({"north": n} for n in range(4)))
        found = live_scores(FeedbackReader(path), SALES, rows=10, min_rows=1)
    assert (found.rows, found.scores) == (0, {})
    assert 'as in {"north": ...}' in found.unscored


def test_several_labels_are_scored_each(path: Path) -> None:
    """A label that its output does not know is counted."""
    side, level = (
        ScoredVersion("sales", "v1", name, "classification", frozenset(classes))
        for name, classes in (("side", ("left", "right")), ("level", ("low", "up")))
    )
    both = replace(side, each=(side, level))
    with LabelledLog(path) as log:
        log.answered("a", *({"side": "left", "level": "up"} for _ in range(4)), of=both)
        log.label("a", *({"side": "left", "level": level} for level in ("up", "up", "low", "odd")))
        found = live_scores(FeedbackReader(path), both, rows=10, min_rows=1)
    assert found.scores["accuracy (side)"] == 1
    assert found.scores["accuracy (level)"] == 0.5
    assert found.scores["accuracy"] == 0.75
    assert found.unknown_labels == 1
    assert found.estimate is None


def test_an_interval_is_scored_by_the_truth_of_its_amount(path: Path) -> None:
    """One of four values lies outside, by 3; at a coverage of 0.8 it counts ten times as much."""
    with LabelledLog(path) as log:
        answers = ({"price": 10, "price_lower": 8, "price_upper": 12} for _ in range(4))
        log.answered("a", *answers, of=BOUNDED)
        log.label("a", 8, 12, {"price": 9}, 15)
        found = live_scores(FeedbackReader(path), BOUNDED, rows=10, min_rows=1)
    assert found.scores["coverage"] == 0.75
    assert found.scores["interval_width"] == 4
    assert found.scores["interval_score"] == pytest.approx(4 + 10 * 3 / 4)
    assert found.scores["mean_absolute_error"] == pytest.approx(2.5)


def test_answers_without_bounds_have_no_coverage(path: Path) -> None:
    """As those that an earlier version of the log's settings kept out."""
    with LabelledLog(path) as log:
        log.answered("a", {"price": 10}, of=BOUNDED)
        log.label("a", 9)
        found = live_scores(FeedbackReader(path), BOUNDED, rows=10, min_rows=1)
    assert "coverage" not in found.scores
    assert found.scores["mean_absolute_error"] == 1
