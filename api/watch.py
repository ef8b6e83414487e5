"""The watch: what the service sees of itself, at a look every few seconds, in a thread of its own.

Nothing is added to a prediction: windows and labels are read from the prediction log.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.catalog import Catalog, ServedModel
from api.resources import signature_columns
from api.settings import Settings
from model_store.manifest import Manifest
from monitoring.feedback.label_queue import Rarity
from monitoring.feedback.live_scores import LiveScores, ScoredVersion, live_scores
from monitoring.feedback.reader import FeedbackReader, FeedbackTotal
from monitoring.windows.columns import WindowColumn, window_columns
from monitoring.windows.drift import Thresholds
from monitoring.windows.observation import Observation, observe
from monitoring.windows.rarity import rarity
from monitoring.windows.reader import WindowReader
from monitoring.windows.window import Window


@dataclass(frozen=True)
class _Watched:
    """A served version, its window, and what was seen of it last."""

    served: ServedModel
    window: Window
    reader: WindowReader

    @property
    def scored(self) -> ScoredVersion:
        return scored_version(self.served.manifest)


def thresholds(settings: Settings) -> Thresholds:
    """Return what is called drift."""
    return Thresholds(
        psi=settings.drift_psi,
        alpha=settings.drift_alpha,
        fewest_rows=settings.drift_min_rows,
        drifted_share=settings.drift_dataset_share,
        columns=settings.drift_columns,
    )


def scored_version(manifest: Manifest) -> ScoredVersion:
    """Return what of a version is scored."""
    output = manifest.signature.outputs[0].name
    return ScoredVersion(manifest.model, manifest.version, output, manifest.task)


def watched_columns(
    manifest: Manifest, reference: bytes, settings: Settings
) -> tuple[WindowColumn, ...]:
    """Return the columns of a version's window; its reference profile is JSON."""
    return window_columns(
        signature_columns(manifest.signature),
        json.loads(reference),
        seen={c.name: c.categories for c in manifest.signature if c.categories},
        leave_out=settings.log_personal_fields,
    )


class Watch:
    """Looks at the windows and the labels of all served versions.

    `look` is for one thread at a time; what it saw may be read from any.
    """

    def __init__(
        self,
        log: Path,
        settings: Settings,
        catalog: Callable[[], Catalog],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._looked = clock()
        self._log = log
        self._settings = settings
        self._catalog = catalog
        self._labels = FeedbackReader(log)
        self._thresholds = thresholds(settings)
        self._watched: dict[ServedModel, _Watched] = {}
        self.observations: dict[ServedModel, Observation] = {}
        """What the last look saw of each version's window."""
        self.scores: dict[ServedModel, LiveScores] = {}
        """How good it was by its labels."""
        self._totals: list[FeedbackTotal] = []

    def look(self) -> None:
        """Bring all windows up to date, and measure them.

        Raises:
            LogUnavailableError: the log cannot be read; what was seen before stays.
        """
        served = list(self._catalog())
        self._watched = {s: self._watched.get(s) or self._watch(s) for s in served}
        before = self.observations
        self.observations = {s: self._observe(w) for s, w in self._watched.items()}
        totals = self._labels.totals()
        # To score takes longer than to look whether anything has changed since.
        changed = {
            s
            for s, o in self.observations.items()
            if o is not before.get(s) or s not in self.scores
        }
        if totals != self._totals:
            changed = set(served)
        self._totals = totals
        self.scores = {
            s: self._score(w) if s in changed else self.scores[s] for s, w in self._watched.items()
        }

        self._looked = self._clock()

    def age_seconds(self) -> float:
        """Return the time since the last look that succeeded, at first since there is a watch."""
        return self._clock() - self._looked

    def rarities(self, model: str) -> dict[str, Rarity]:
        """Return what tells how rare a row is, by version; none before the first look."""
        return {
            watched.served.manifest.version: partial(rarity, watched.window.columns)
            for watched in list(self._watched.values())
            if watched.served.manifest.model == model
        }

    def _watch(self, served: ServedModel) -> _Watched:
        manifest = served.manifest
        columns = watched_columns(manifest, served.loaded.reference, self._settings)
        window = Window(columns, self._settings.window_rows)
        return _Watched(served, window, WindowReader(self._log, manifest.model, manifest.version))

    def _observe(self, watched: _Watched) -> Observation:
        window = watched.window
        reading = watched.reader.read(window.cursor, window.size)
        before = self.observations.get(watched.served)
        window.extend(reading)
        if before and not reading.requests and not reading.anew:
            return before
        manifest = watched.served.manifest
        return observe(
            manifest.model,
            manifest.version,
            window,
            self._thresholds,
            fewest_rows=self._settings.monitoring_min_rows,
        )

    def _score(self, watched: _Watched) -> LiveScores:
        return live_scores(
            self._labels,
            watched.scored,
            rows=self._settings.feedback_rows,
            min_rows=self._settings.monitoring_min_rows,
        )
