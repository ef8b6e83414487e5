"""Metrics of a window: its last update, and columns and categories that training knew."""

import pytest
from prometheus_client import CollectorRegistry

from monitoring.windows.collector import WindowCollector
from monitoring.windows.drift import Thresholds
from monitoring.windows.observation import Observation, observe
from monitoring.windows.window import Window
from tests.monitoring.windows.small_windows import columns_of, window_of

NUMBERS = columns_of({"x": "number"}, {"x": [float(x) for x in range(200)]})
FRUIT = columns_of({"c": "category"}, {"c": ["apple"] * 150 + ["pear"] * 50})

Samples = dict[tuple[str, ...], float]


def exposed(*observations: Observation) -> Samples:
    """Return the samples: by name and the values of all labels but model, version and side."""
    registry = CollectorRegistry()
    registry.register(WindowCollector(lambda: observations))
    return {
        (sample.name, *list(sample.labels.values())[3:]): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def seen(window: Window) -> Observation:
    """Return the observation of a window."""
    return observe("m", "v", window, Thresholds(), fewest_rows=20)


def test_a_number_is_published_by_its_distribution() -> None:
    """The window has the values 0 to 99, each once; training had 0 to 199."""
    values = exposed(seen(window_of(NUMBERS, x=[float(x) for x in range(100)])))
    assert values["window_rows",] == 100
    assert values["feature_mean", "x"] == 49.5
    assert values["feature_standard_deviation", "x"] == pytest.approx(28.866, abs=1e-3)
    quantiles = [values["feature_quantile", "x", q] for q in ("0", "0.25", "0.5", "0.75", "1")]
    assert quantiles == [0, 24, 49, 74, 99]
    assert values["missing_ratio", "x"] == values["out_of_range_ratio", "x"] == 0
    assert values["drift_detected", "x"] == 1
    assert values["drift_score", "x", "psi"] > 0.1
    assert values["drift_score", "x", "p_value"] < 0.05
    assert values["drift_share",] == values["drift_dataset_detected",] == 1


def test_a_category_is_published_by_its_shares_and_no_label_is_a_value_that_was_sent() -> None:
    """Values that training never saw are counted, but not named."""
    values = exposed(seen(window_of(FRUIT, c=["apple"] * 50 + ["<script>"] * 50)))
    assert values["category_ratio", "c", "apple"] == 0.5
    assert values["category_ratio", "c", "pear"] == 0
    assert values["unseen_ratio", "c"] == 0.5
    assert values["category_other_ratio", "c"] == 0
    assert not any("<script>" in labels for labels in values)


def test_below_the_minimum_only_the_number_of_rows_is_published() -> None:
    """There are neither statistics nor a verdict."""
    assert exposed(seen(window_of(NUMBERS, x=[1.0] * 19))) == {("window_rows",): 19}


def test_drift_is_not_published_below_the_minimum_for_statistics() -> None:
    """That holds even if fewer rows are enough to judge drift."""
    window = window_of(NUMBERS, x=[900.0] * 19)
    few = Thresholds(fewest_rows=2)
    assert observe("m", "v", window, few, fewest_rows=20).drift == {}
    assert observe("m", "v", window, few, fewest_rows=19).drift


def test_a_withheld_column_is_not_published() -> None:
    """The others are published and judged without it."""
    columns = columns_of({"x": "number", "name": "string"}, {"x": [1.0] * 99, "name": ["me"] * 99})
    found = seen(window_of(columns, x=[1.0] * 100, name=["hmac:" + "0" * 64] * 99 + [None]))
    assert [column.name for column in found.statistics] == ["x"]
    assert found.drift
    assert [column.name for column in found.drift["input"].columns] == ["x"]


def test_each_version_has_series_of_its_own() -> None:
    """The series of a version end when it is no longer monitored."""
    window = window_of(NUMBERS, x=[1.0] * 30)
    registry = CollectorRegistry()
    observations = [observe("m", v, window, Thresholds(), fewest_rows=20) for v in ("v1", "v2")]
    registry.register(WindowCollector(lambda: observations))
    for version in ("v1", "v2"):
        labels = {"model": "m", "version": version}
        assert registry.get_sample_value("window_rows", labels) == 30
    observations.pop(0)
    assert registry.get_sample_value("window_rows", {"model": "m", "version": "v1"}) is None
