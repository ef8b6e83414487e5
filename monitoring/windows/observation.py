"""What was measured of a version's window."""

from dataclasses import dataclass, replace

from monitoring.log.database.views import Side
from monitoring.windows.column_counts import count_columns
from monitoring.windows.column_statistics import ColumnStatistics, column_statistics
from monitoring.windows.drift import Drift, Thresholds, measure_drift
from monitoring.windows.window import Window


@dataclass(frozen=True)
class Observation:
    """The window of one version, as it was at the monitor's last update."""

    model: str
    version: str
    rows: int
    """How many rows the window held."""
    statistics: tuple[ColumnStatistics, ...] = ()
    """Of each column; none where there are too few rows to publish."""
    drift: dict[Side, Drift] | None = None
    """By side, without one that has too few rows to be judged."""


def observe(
    model: str, version: str, window: Window, thresholds: Thresholds, *, fewest_rows: int
) -> Observation:
    """Return what a window shows; nothing of fewer than `fewest_rows` rows, not even drift."""
    counted = count_columns(window)
    judged_from = max(thresholds.fewest_rows, fewest_rows)
    return Observation(
        model,
        version,
        window.rows,
        tuple(column_statistics(counted, fewest_rows=fewest_rows)),
        measure_drift(counted, replace(thresholds, fewest_rows=judged_from)),
    )
