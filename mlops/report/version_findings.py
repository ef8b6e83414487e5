"""What is found of one version: by the functions by which the running service watches itself."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlops.report.page.findings import ColumnFinding, Edges, VersionFindings
from mlops.report.worst_rows import WorstRowsFinder
from model_store.errors import ModelStoreError
from model_store.manifest import Manifest
from model_store.store import ModelStore
from monitoring.criteria import scored_version, thresholds, watched_columns
from monitoring.feedback.live_scores import live_scores, scores_over_time
from monitoring.feedback.reader import FeedbackReader, LabelledRow
from monitoring.log.reading.traffic import VersionTraffic
from monitoring.windows.column_counts import ColumnCounts, count_columns
from monitoring.windows.observation import observe
from monitoring.windows.reader import Reading, WindowReader
from monitoring.windows.reference import CATEGORICAL
from monitoring.windows.window import Window
from settings.settings import Settings

PERIODS = 20
"""Live scores are told in so many periods at most, each of a minute at least."""
MOST_LABELS = 10_000
"""Of so many labelled rows at most, the newest; they are in memory at once."""
_MINUTE = 60.0


@dataclass(frozen=True)
class FindingsReader:
    """Looks at versions in one log and one store."""

    settings: Settings
    store: ModelStore
    log: Path
    worst_rows: int
    """How many rows of each sort are shown."""
    aliases: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """The aliases of each version, by model; read once."""

    def read(self, traffic: VersionTraffic) -> VersionFindings:
        """Return what is found of a version in the span of its traffic.

        Raises:
            LogUnavailableError: the log cannot be read.
        """
        found = VersionFindings(traffic)
        found.aliases = tuple(self._aliases(traffic.model).get(traffic.version, ()))
        try:
            found.manifest = self.store.manifest(traffic.model, traffic.version)
            reference = self.store.reference(traffic.model, traffic.version)
        except ModelStoreError as error:
            found.untold.append(f"Drift and scores, as the model store cannot tell: {error}")
            return found
        reading = self._monitor(found, found.manifest, reference)
        labels = FeedbackReader(self.log, traffic.span)
        rows = max(MOST_LABELS, self.settings.feedback_rows)
        labelled = labels.labelled(traffic.model, traffic.version, rows)
        self._score(found, found.manifest, labels, labelled[:MOST_LABELS])
        finder = WorstRowsFinder(self.log, found.manifest, self.worst_rows)
        fewest = self.settings.monitoring_min_rows
        if traffic.rows < fewest:
            found.untold.append(
                f"Single rows, as it answered {traffic.rows}, and nothing is told of fewer than "
                f"{fewest}."
            )
        elif self.worst_rows:
            finder.add(found, reading, labelled[: self.settings.feedback_rows])
        return found

    def _aliases(self, model: str) -> dict[str, list[str]]:
        if model not in self.aliases:
            self.aliases[model] = {}
            try:
                current = self.store.aliases(model).current
            except ModelStoreError:
                current = {}
            for alias, version in sorted(current.items()):
                self.aliases[model].setdefault(version, []).append(alias)
        return self.aliases[model]

    def _monitor(self, found: VersionFindings, manifest: Manifest, reference: bytes) -> Reading:
        span = found.traffic.span
        columns = watched_columns(
            manifest, reference, personal_fields=self.settings.log_personal_fields
        )
        window = Window(columns, self.settings.window_rows)
        reader = WindowReader(
            self.log,
            manifest.model,
            manifest.version,
            look_back=span.last - span.first + 1,
            span=span,
        )
        reading = reader.read(window.cursor, window.size)
        window.extend(reading)
        found.observation = observe(
            manifest.model,
            manifest.version,
            window,
            thresholds(self.settings),
            fewest_rows=self.settings.monitoring_min_rows,
        )
        profiles = json.loads(reference)
        # No picture of fewer rows than statistics are told of.
        hashed = []
        if found.observation.statistics:
            for counts in count_columns(window):
                if counts.rows:
                    found.columns.append(_column(counts, profiles.get(counts.column.name)))
                else:
                    hashed.append(counts.column.name)
        found.untold += _untold(found, reading, self.settings)
        if hashed:
            names = ", ".join(hashed)
            found.untold.append(f"Anything of {names}, which the log holds as hashes.")
        private = self.settings.log_personal_fields
        if personal := [c.name for c in manifest.signature if c.name in private]:
            names = ", ".join(personal)
            found.untold.append(
                f"Anything of {names}, which the settings of this command call personal."
            )
        return reading

    def _score(
        self,
        found: VersionFindings,
        manifest: Manifest,
        labels: FeedbackReader,
        labelled: Sequence[LabelledRow],
    ) -> None:
        of = scored_version(manifest)
        fewest = self.settings.monitoring_min_rows
        found.scores = live_scores(labels, of, rows=self.settings.feedback_rows, min_rows=fewest)
        periods = _periods(labelled)
        found.periods = scores_over_time(labelled, of, periods=periods, min_rows=fewest)
        found.period_rows = MOST_LABELS
        if found.scores.unscored:
            found.untold.append(f"Live scores: {found.scores.unscored}")
        elif not found.scores.rows:
            found.untold.append(
                "How often it is right, as no true values were told of its rows: send them to "
                "POST /feedback, or by `mlops feedback import`."
            )
        elif not found.scores.scores:
            found.untold.append(
                f"Live scores, as only {found.scores.rows} of its rows have a true value, and "
                f"nothing is told of fewer than {fewest}."
            )
        if unknown := found.scores.unknown_labels:
            which = f"{unknown:,} labels name" if unknown > 1 else "1 label names"
            found.untold.append(
                f"Whether every label is right: {which} no class that the model answers with, and "
                "what it answered counts as wrong."
            )


def _untold(found: VersionFindings, reading: Reading, settings: Settings) -> list[str]:
    rows = found.observation.rows if found.observation else 0
    sentences = []
    if not reading.requests:
        sentences.append("What was asked, as the log keeps no values of these requests.")
    elif not rows:
        sentences.append(
            "What was asked, as the log keeps hashes of the values: they have no distribution."
        )
    elif rows < settings.monitoring_min_rows:
        sentences.append(
            f"Statistics, as the log holds {rows} rows in clear, and nothing is told of fewer than "
            f"{settings.monitoring_min_rows}."
        )
    elif rows < settings.drift_min_rows:
        sentences.append(
            f"Drift, as {rows} rows are too few to judge: {settings.drift_min_rows} are needed."
        )
    unknown = [f.counts.column.name for f in found.columns if not f.counts.column.reference.rows]
    if unknown and len(unknown) == len(found.columns):
        sentences.append("Drift, as the version was published without a reference profile.")
    elif unknown:
        sentences.append(
            f"Drift of {', '.join(unknown)}: the version's reference profile does not have it."
        )
    fewest = min((f.counts.column.reference.rows for f in found.columns), default=0)
    if 0 < fewest < settings.drift_min_rows:
        sentences.append(
            f"Small drift, as the version was trained on few rows ({fewest} of a column): only "
            "large differences can be told from chance."
        )
    if found.traffic.strays:
        sentences.append(
            f"This period alone: {found.traffic.strays} rows between its requests have times "
            "outside of it, as where the clock was set; all but the traffic counts them too."
        )
    return sentences


def _periods(labelled: Sequence[LabelledRow]) -> int:
    """Return in how many periods labelled rows are told."""
    times = [row.predicted for row in labelled]
    seconds = (max(times) - min(times)).total_seconds() if times else 0.0
    return max(1, min(PERIODS, int(seconds / _MINUTE)))


def _column(counts: ColumnCounts, profile: Any) -> ColumnFinding:
    kind, known = counts.column.kind, counts.column.reference.rows
    if kind in CATEGORICAL or not known:
        return ColumnFinding(counts, None, {})
    described = profile.get("lengths", profile)
    quantiles = described.get("quantiles", {})
    trained = dict(zip(quantiles, _numbers(kind, list(quantiles.values())), strict=True))
    return ColumnFinding(counts, _edges(counts, described.get("histogram", {})), trained)


def _edges(counts: ColumnCounts, histogram: Any) -> Edges | None:
    """Return the bins that a column is drawn in: those of its profile's histogram."""
    ordered = counts.ordered
    edges = np.array(_numbers(counts.column.kind, histogram.get("edges", [])), np.float64)
    reference = np.array(histogram.get("counts", []), np.float64)
    # Without one the ends of the axis would be single rows' values.
    if len(edges) < 2:  # noqa: PLR2004 - a bin has two ends
        return None
    inside = ordered[(ordered >= edges[0]) & (ordered <= edges[-1])]
    # By its sorted values, as edges may be equal, or numbers too large for a width.
    places = inside.searchsorted(edges[1:-1], "left")
    window = np.diff(np.concatenate([[0], places, [len(inside)]])).astype(np.float64)
    below = int(ordered.searchsorted(edges[0], "left"))
    return Edges(edges, reference, window, below, len(ordered) - below - len(inside))


def _numbers(kind: str, values: list[Any]) -> list[float]:
    """Return numbers of a profile as those of a window."""
    if kind == "datetime":
        texts = [text.removesuffix("Z") for text in values]
        return list((np.array(texts, "datetime64[us]").astype(np.int64) / 1e6).tolist())
    return [float(value) for value in values]
