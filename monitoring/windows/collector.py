"""Metrics of the windows and of their drift from the reference, as of the monitor's last update.

Labels name versions, columns and the reference's own categories: never a value that was sent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitoring.windows.column_statistics import ColumnStatistics
from monitoring.windows.drift import Drift
from monitoring.windows.observation import Observation

_VERSION = ["model", "version"]
_COLUMN = [*_VERSION, "side", "column"]
_QUANTILES = ("0", "0.25", "0.5", "0.75", "1")


class WindowCollector(Collector):
    """Publishes statistics and drift of each served version.

    Args:
        observations: Returns the last observation of each version.
    """

    def __init__(self, observations: Callable[[], Sequence[Observation]]) -> None:
        self._observations = observations

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics of the last observations."""
        families = _Families()
        for observation in self._observations():
            families.add(observation)
        yield from vars(families).values()


class _Families:
    """The metrics, to be filled."""

    def __init__(self) -> None:
        gauge = GaugeMetricFamily
        self.rows = gauge("window_rows", "Rows that a version's window holds.", labels=_VERSION)
        self.mean = gauge(
            "feature_mean",
            "Mean of a column's values; dates in seconds since 1970, texts by their length.",
            labels=_COLUMN,
        )
        self.deviation = gauge(
            "feature_standard_deviation",
            "Standard deviation of a column's values, in the unit of the mean.",
            labels=_COLUMN,
        )
        self.quantile = gauge(
            "feature_quantile",
            "Quantile of a column's values: 0 is the minimum, 1 the maximum.",
            labels=[*_COLUMN, "quantile"],
        )
        self.missing = gauge("missing_ratio", "Share of missing values.", labels=_COLUMN)
        self.reference_missing = gauge(
            "reference_missing_ratio",
            "Share of missing values in the training data.",
            labels=_COLUMN,
        )
        self.outside = gauge(
            "out_of_range_ratio",
            "Share of values below the minimum or above the maximum of the training data.",
            labels=_COLUMN,
        )
        self.category = gauge(
            "category_ratio",
            "Share of a category, for the most frequent categories of the training data.",
            labels=[*_COLUMN, "category"],
        )
        self.other = gauge(
            "category_other_ratio",
            "Share of all rarer categories of the training data together.",
            labels=_COLUMN,
        )
        self.unseen = gauge(
            "unseen_ratio",
            "Share of values that are not a category of the training data.",
            labels=_COLUMN,
        )
        self.score = gauge(
            "drift_score",
            "How a column differs from its reference: psi, jensen_shannon, and the p_value of a "
            "test, corrected for the number of columns.",
            labels=[*_COLUMN, "method"],
        )
        self.detected = gauge(
            "drift_detected",
            "1 if effect size and test agree that a column has drifted, else 0.",
            labels=_COLUMN,
        )
        self.share = gauge(
            "drift_share",
            "Share of the drifted columns of one side, inputs or outputs.",
            labels=[*_VERSION, "side"],
        )
        self.dataset = gauge(
            "drift_dataset_detected",
            "1 if the share of drifted columns is at least DRIFT_DATASET_SHARE, else 0.",
            labels=[*_VERSION, "side"],
        )

    def add(self, observation: Observation) -> None:
        """Add the observation of one version."""
        version = [observation.model, observation.version]
        self.rows.add_metric(version, observation.rows)
        for column in observation.statistics:
            self._add_statistics([*version, column.side, column.name], column)
        for side, drift in (observation.drift or {}).items():
            self._add_drift([*version, side], drift)

    def _add_statistics(self, labels: list[str], column: ColumnStatistics) -> None:
        self.missing.add_metric(labels, column.missing)
        if column.distribution:
            mean, deviation, *quantiles = astuple(column.distribution)
            self.mean.add_metric(labels, mean)
            self.deviation.add_metric(labels, deviation)
            for name, value in zip(_QUANTILES, quantiles, strict=True):
                self.quantile.add_metric([*labels, name], value)
        for category, share in (column.categories or {}).items():
            self.category.add_metric([*labels, category], share)
        optional = (
            (self.reference_missing, column.reference_missing),
            (self.outside, column.out_of_range),
            (self.other, column.other),
            (self.unseen, column.unseen),
        )
        for family, value in optional:
            if value is not None:
                family.add_metric(labels, value)

    def _add_drift(self, labels: list[str], drift: Drift) -> None:
        self.share.add_metric(labels, drift.share)
        self.dataset.add_metric(labels, drift.drifted)
        for column in drift.columns:
            named = [*labels, column.name]
            self.detected.add_metric(named, column.drifted)
            self.score.add_metric([*named, "psi"], column.psi)
            self.score.add_metric([*named, "jensen_shannon"], column.jensen_shannon)
            self.score.add_metric([*named, "p_value"], column.p_value)
