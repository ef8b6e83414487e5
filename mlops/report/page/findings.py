"""What a report shows: everything that was found, before a word of it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from model_store.manifest import Manifest
from monitoring.feedback.live_scores import LiveScores, Period
from monitoring.feedback.logged_rows import LoggedRow
from monitoring.log.reading.reader import Total
from monitoring.log.reading.traffic import Traffic, VersionTraffic
from monitoring.windows.column_counts import ColumnCounts
from monitoring.windows.columns import Numbers
from monitoring.windows.drift import Thresholds
from monitoring.windows.observation import Observation


class Edges(NamedTuple):
    """Bins of equal width that a column of numbers is drawn in."""

    edges: Numbers
    """One more than there are bins; at least two."""
    reference: Numbers
    """How many values of the reference are in each bin."""
    window: Numbers
    """The same of the window."""
    below: int
    """How many of the window are below all bins."""
    above: int


class ColumnFinding(NamedTuple):
    """A column of a window."""

    counts: ColumnCounts
    edges: Edges | None
    """None for categories and booleans, where training left no histogram, and where there is
    nothing to draw."""
    trained: Mapping[str, float]
    """The quantiles of training by their probability, as `0.5`; empty where it has none."""


class WorstRow(NamedTuple):
    """A row that somebody should look at."""

    row: LoggedRow
    measure: str
    """How bad it is, in words."""
    truth: Any = None
    is_labelled: bool = False
    """Whether the truth is known."""
    times: int = 1
    """How many rows are equal to it, itself included."""


class WorstRows(NamedTuple):
    """Rows of one sort, the worst first."""

    title: str
    meaning: str
    rows: list[WorstRow]


@dataclass
class VersionFindings:
    """What was found of one version."""

    traffic: VersionTraffic
    aliases: tuple[str, ...] = ()
    manifest: Manifest | None = None
    """None where the store no longer has the version."""
    observation: Observation | None = None
    columns: list[ColumnFinding] = field(default_factory=list)
    scores: LiveScores | None = None
    periods: list[Period] = field(default_factory=list)
    """The live scores over time."""
    period_rows: int = 0
    """How many labelled rows these are of at most."""
    worst: list[WorstRows] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What could not be found, and why: sentences."""

    @property
    def name(self) -> str:
        """The model and its version."""
        return f"{self.traffic.model} {self.traffic.version}"

    def trained(self, metric: str, split: str = "test") -> float | None:
        """Return a score of the training; None where it has none."""
        for score in self.manifest.scores if self.manifest else ():
            if (score.metric, score.split) == (metric, split):
                return score.value
        return None


class Asked(NamedTuple):
    """What a report was asked for; what is None or empty was left open."""

    since: datetime | None = None
    until: datetime | None = None
    model: str = ""
    version: str = ""


class Limits(NamedTuple):
    """The settings by which things are judged, as the page explains them."""

    drift: Thresholds
    window_rows: int
    monitoring_rows: int
    personal: frozenset[str]


@dataclass
class Findings:
    """What was found."""

    made: datetime
    took: timedelta
    asked: Asked
    limits: Limits
    keeps: str
    """What the log keeps of values now: full, hashed or none."""
    traffic: Traffic | None
    """None where nothing was answered."""
    totals: list[Total] = field(default_factory=list)
    versions: list[VersionFindings] = field(default_factory=list)
    more_versions: list[VersionTraffic] = field(default_factory=list)
    """Those that also answered and have no section of their own."""
