"""Metrics of feedback: totals are read from the log at scrape, scores are the monitor's last."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitoring.feedback.live_scores import LiveScores
from monitoring.feedback.reader import FeedbackReader
from monitoring.log.errors import LogUnavailableError

_LABELS = ("model", "version")


class FeedbackCollector(Collector):
    """Publishes the number of labels, and the live scores of the served versions.

    Args:
        reader: Reads the log.
        results: Returns the last scores of each served version.
        now: Returns the time now, with a time zone.
    """

    def __init__(
        self,
        reader: FeedbackReader,
        results: Callable[[], Sequence[LiveScores]],
        now: Callable[[], datetime],
    ) -> None:
        self._reader = reader
        self._results = results
        self._now = now

    def describe(self) -> Iterable[Metric]:
        """Return the metrics without samples, so that registering reads no log."""
        return [_total(), *_gauges()]

    def collect(self) -> Iterable[Metric]:
        """Return the totals as they are now, and the last scores."""
        rows_total = _total()
        with contextlib.suppress(LogUnavailableError):
            for total in self._reader.state().totals:
                rows_total.add_metric(total[:2], total.rows)
        yield rows_total
        score, estimate, rows, delay, age, nominal = gauges = _gauges()
        for result in self._results():
            names = [result.of.model, result.of.version]
            rows.add_metric(names, result.rows)
            if result.of.interval:
                nominal.add_metric(names, result.of.interval.coverage)
            for metric, value in result.scores.items():
                score.add_metric([*names, metric], value)
            if result.estimate:
                for metric, value in result.estimate.scores.items():
                    estimate.add_metric([*names, metric], value)
            if result.delay_seconds is not None:
                delay.add_metric(names, result.delay_seconds)
            if result.newest:
                age.add_metric(names, (self._now() - result.newest).total_seconds())
        yield from gauges


def _total() -> CounterMetricFamily:
    return CounterMetricFamily(
        "feedback_rows", "Rows with feedback, each counted once.", labels=_LABELS
    )


def _gauges() -> tuple[GaugeMetricFamily, ...]:
    return (
        GaugeMetricFamily(
            "live_score",
            "A score of the newest labelled rows; compare with `model_train_score`.",
            labels=[*_LABELS, "metric"],
        ),
        GaugeMetricFamily(
            "live_score_estimate",
            "Score estimated from the probabilities of the newest answers, without labels.",
            labels=[*_LABELS, "metric"],
        ),
        GaugeMetricFamily("live_score_rows", "Labelled rows behind `live_score`.", labels=_LABELS),
        GaugeMetricFamily(
            "feedback_delay_seconds",
            "Median time from a prediction to its label.",
            labels=_LABELS,
        ),
        GaugeMetricFamily(
            "feedback_age_seconds", "Time since the last label was received.", labels=_LABELS
        ),
        GaugeMetricFamily(
            "interval_coverage_nominal",
            'Share of true values that should lie within the interval; compare with the "coverage" '
            "of `live_score`.",
            labels=_LABELS,
        ),
    )
