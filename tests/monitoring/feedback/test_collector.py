"""The metrics of feedback."""

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from monitoring.feedback.answer_scores import ScoredInterval
from monitoring.feedback.collector import FeedbackCollector
from monitoring.feedback.live_scores import Estimate, LiveScores
from monitoring.feedback.reader import FeedbackReader
from tests.monitoring.feedback.labelled_log import FRUIT, LabelledLog, fruits, moment


def scraped(path: Path, *results: LiveScores) -> list[str]:
    """Return what Prometheus would scrape an hour after noon, without comments."""
    registry = CollectorRegistry()
    registry.register(
        FeedbackCollector(FeedbackReader(path), lambda: results, lambda: moment(hours=1))
    )
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_the_last_scores_are_shown(path: Path) -> None:
    """The total and the age are current; an estimate has a name of its own."""
    with LabelledLog(path) as log:
        log.answered("a", *fruits("P"))
        log.label("a", "Plum")
    result = LiveScores(
        FRUIT,
        rows=40,
        scores={"accuracy": 0.9},
        delay_seconds=7200.0,
        newest=moment(),
        estimate=Estimate(50, {"accuracy": 0.8}, calibrated=True),
    )
    assert scraped(path, result) == [
        'feedback_rows_total{model="fruit",version="v1"} 1.0',
        'live_score{metric="accuracy",model="fruit",version="v1"} 0.9',
        'live_score_estimate{metric="accuracy",model="fruit",version="v1"} 0.8',
        'live_score_rows{model="fruit",version="v1"} 40.0',
        'feedback_delay_seconds{model="fruit",version="v1"} 7200.0',
        'feedback_age_seconds{model="fruit",version="v1"} 3600.0',
    ]


def test_unknown_values_are_not_published(path: Path) -> None:
    """A version without labels has zero labelled rows; without a log there are no totals."""
    assert scraped(path, LiveScores(FRUIT)) == [
        'live_score_rows{model="fruit",version="v1"} 0.0',
    ]


def test_registering_reads_no_log(path: Path) -> None:
    """It does not read results either."""
    CollectorRegistry(auto_describe=True).register(
        FeedbackCollector(FeedbackReader(path), lambda: pytest.fail("asked"), moment)
    )


def test_the_nominal_coverage_stands_beside_the_measured_one(path: Path) -> None:
    """A rule compares them."""
    bounded = replace(FRUIT, interval=ScoredInterval("lower", "upper", 0.9))
    lines = scraped(path, LiveScores(bounded, rows=40, scores={"coverage": 0.8}))
    assert 'live_score{metric="coverage",model="fruit",version="v1"} 0.8' in lines
    assert 'interval_coverage_nominal{model="fruit",version="v1"} 0.9' in lines
