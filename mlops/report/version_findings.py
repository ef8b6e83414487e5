"""What is found of one version, by the functions with which the service monitors itself."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from api.pages.wording import counted
from mlops.report.page.findings import ColumnFinding, Edges, VersionFindings
from mlops.report.worst_rows import WorstRowsFinder
from model_store.errors import ModelStoreError
from model_store.manifest import Manifest
from model_store.store import ModelStore
from monitoring.criteria import monitored_columns, scored_version, thresholds
from monitoring.feedback.live_scores import live_scores, scores_over_time
from monitoring.feedback.reader import FeedbackReader, LabelledRow
from monitoring.log.reading.traffic import VersionTraffic
from monitoring.windows.column_counts import ColumnCounts, count_columns
from monitoring.windows.columns import profile_of
from monitoring.windows.observation import observe
from monitoring.windows.reader import Reading, WindowReader
from monitoring.windows.reference import CATEGORICAL
from monitoring.windows.window import Window
from settings.settings import Settings

PERIODS = 20
"""Maximum number of periods of the live scores; each is a minute at least."""
MOST_LABELS = 10_000
"""Maximum number of labelled rows in these periods, the newest; they are in memory at once."""
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
            found.missing.append(
                f"Drift and scores: the model store cannot read this version. {error}"
            )
            return found
        reading = self._monitor(found, found.manifest, reference)
        labels = FeedbackReader(self.log, traffic.span)
        rows = max(MOST_LABELS, self.settings.feedback_rows)
        labelled = labels.labelled(traffic.model, traffic.version, rows)
        self._score(found, found.manifest, labels, labelled[:MOST_LABELS])
        finder = WorstRowsFinder(self.log, found.manifest, self.worst_rows)
        fewest = self.settings.monitoring_min_rows
        if traffic.rows < fewest:
            found.missing.append(
                f"Single rows: it answered {counted(traffic.rows, 'row')}, and below {fewest} rows "
                "none is shown."
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
        columns = monitored_columns(
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
        # No picture shows fewer rows than statistics are published of.
        hashed = []
        if found.observation.statistics:
            for counts in count_columns(window):
                if counts.rows:
                    found.columns.append(_column(counts, profile_of(counts.column, profiles)))
                else:
                    hashed.append(counts.column.name)
        found.missing += _missing(found, reading, self.settings)
        if hashed:
            names = ", ".join(hashed)
            found.missing.append(f"Statistics of {names}: the log holds the values as hashes.")
        private = self.settings.log_personal_fields
        if personal := [c.name for c in manifest.signature if c.name in private]:
            names = ", ".join(personal)
            found.missing.append(
                f"Statistics and values of {names}: personal by the settings of this command."
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
            found.missing.append(f"Live scores: {found.scores.unscored}")
        elif not found.scores.rows:
            found.missing.append(
                "Live scores: no true values of its rows were received. Send them to "
                "POST /feedback, or use `mlops feedback import`."
            )
        elif not found.scores.scores:
            found.missing.append(
                f"Live scores: only {found.scores.rows} of its rows have a true value, and below "
                f"{fewest} labelled rows no score is published."
            )
        if unknown := found.scores.unknown_labels:
            which = f"{unknown:,} labels name" if unknown > 1 else "1 label names"
            found.missing.append(
                f"Some matching labels: {which} no class that the model answers with, and its "
                "predictions for them count as wrong."
            )


def _missing(found: VersionFindings, reading: Reading, settings: Settings) -> list[str]:
    rows = found.observation.rows if found.observation else 0
    sentences = []
    if not reading.requests:
        sentences.append("Inputs and outputs: the log keeps no values of these requests.")
    elif not rows:
        sentences.append(
            "Inputs and outputs: the log keeps hashes of the values, which have no distribution."
        )
    elif rows < settings.monitoring_min_rows:
        sentences.append(
            f"Statistics: the log holds {counted(rows, 'row')} in clear, and below "
            f"{settings.monitoring_min_rows} rows no statistics are published."
        )
    elif rows < settings.drift_min_rows:
        sentences.append(
            f"Drift: {rows} rows are too few to judge; {settings.drift_min_rows} are needed."
        )
    unknown = [f.counts.column.name for f in found.columns if not f.counts.column.reference.rows]
    if unknown and len(unknown) == len(found.columns):
        sentences.append("Drift: the version was published without a reference profile.")
    elif unknown:
        sentences.append(
            f"Drift of {', '.join(unknown)}: not in the reference profile of the version."
        )
    fewest = min((f.counts.column.reference.rows for f in found.columns), default=0)
    if 0 < fewest < settings.drift_min_rows:
        sentences.append(
            f"Small drift: the version was trained on few rows ({fewest} of a column), and only "
            "large differences can be distinguished from chance."
        )
    if found.traffic.strays:
        sentences.append(
            f"The exact period: {found.traffic.strays} rows between its requests have times "
            "outside of it, as after a change of the clock. Only the traffic leaves them out."
        )
    return sentences


def _periods(labelled: Sequence[LabelledRow]) -> int:
    """Return in how many periods labelled rows are scored."""
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
