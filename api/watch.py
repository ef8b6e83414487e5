"""The watch: what the service sees of itself, at a look every few seconds, in a thread of its own.

Nothing is added to a prediction: windows and labels are read from the prediction log.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.catalog import Catalog, ServedModel
from api.resources import signature_columns
from api.settings import Settings
from model_store.manifest import Manifest
from model_store.signature import Column, Kind
from monitoring.feedback.label_queue import Rarity
from monitoring.feedback.live_scores import LiveScorer, LiveScores, ScoredVersion
from monitoring.feedback.reader import FeedbackReader
from monitoring.windows.columns import WindowColumn, window_columns
from monitoring.windows.drift import Thresholds
from monitoring.windows.observation import Observation, observe
from monitoring.windows.rarity import rarity
from monitoring.windows.reader import WindowReader
from monitoring.windows.window import Window

# Numbers of a class are named one by one where there are no more.
_MOST_NUMBERS = 1_000


@dataclass(eq=False)
class _Watched:
    """A served version, its window, what scores it, and what was seen of it.

    A look may fail at any step: what it left undone is done by the next one.
    """

    served: ServedModel
    window: Window
    reader: WindowReader
    scorer: LiveScorer
    is_measured: bool = False
    """Whether the observation is of the window as it is now."""
    observation: Observation | None = None
    scored: Observation | None = None
    """The observation that there was when it was last scored."""
    scores: LiveScores | None = None


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
    output = manifest.signature.outputs[0]
    classes = _classes(output) if manifest.task == "classification" else ()
    return ScoredVersion(
        manifest.model, manifest.version, output.name, manifest.task, frozenset(classes)
    )


def _classes(output: Column) -> Iterable[str]:
    """Return the classes that a classifier may answer with, as texts; none where nobody knows."""
    if output.kind is Kind.BOOLEAN:
        return ("false", "true")
    if output.kind is Kind.INTEGER and output.minimum is not None and output.maximum is not None:
        numbers = range(int(output.minimum), int(output.maximum) + 1)
        return map(str, numbers) if len(numbers) <= _MOST_NUMBERS else ()
    return output.categories


def watched_columns(
    manifest: Manifest, reference: bytes, settings: Settings
) -> tuple[WindowColumn, ...]:
    """Return the columns of a version's window; its reference profile is JSON."""
    return window_columns(
        signature_columns(manifest.signature),
        json.loads(reference),
        seen={c.name: c.categories for c in manifest.signature if c.categories},
        # Of inputs alone: an output's range is that of the target, not of what was predicted.
        ranges={
            c.name: (c.minimum, c.maximum)
            for c in manifest.signature.inputs
            if c.minimum is not None and c.maximum is not None
        },
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

    @property
    def observations(self) -> list[Observation]:
        """What was last seen of each version's window."""
        return [w.observation for w in self._watched.values() if w.observation]

    @property
    def scores(self) -> list[LiveScores]:
        """How good each version was by its labels."""
        return [w.scores for w in self._watched.values() if w.scores]

    def look(self) -> None:
        """Bring all windows up to date, and measure them.

        Raises:
            LogUnavailableError: the log cannot be read; what was seen before stays.
        """
        served = list(self._catalog())
        self._watched = {s: self._watched.get(s) or self._watch(s) for s in served}
        for watched in self._watched.values():
            self._observe(watched)
        labels = self._labels.state()
        for watched in self._watched.values():
            answered = watched.observation is not watched.scored
            watched.scores = watched.scorer.score(labels, answered=answered)
            watched.scored = watched.observation
        self._looked = self._clock()

    def age_seconds(self) -> float:
        """Return the time since the last look that succeeded, at first since there is a watch."""
        return self._clock() - self._looked

    def rarities(self, model: str) -> dict[str, Rarity]:
        """Return what tells how rare a row is, by version.

        None of versions that were not yet looked at, or of which drift could not be told: they were
        published without a reference, or have too few rows.
        """
        return {
            watched.served.manifest.version: partial(rarity, watched.window.columns)
            for watched in list(self._watched.values())
            if watched.served.manifest.model == model
            and watched.window.rows >= self._settings.monitoring_min_rows
            and any(column.reference.rows for column in watched.window.columns)
        }

    def _watch(self, served: ServedModel) -> _Watched:
        manifest = served.manifest
        columns = watched_columns(manifest, served.loaded.reference, self._settings)
        scorer = LiveScorer(
            self._labels,
            scored_version(manifest),
            rows=self._settings.feedback_rows,
            min_rows=self._settings.monitoring_min_rows,
        )
        return _Watched(
            served,
            Window(columns, self._settings.window_rows),
            WindowReader(self._log, manifest.model, manifest.version),
            scorer,
        )

    def _observe(self, watched: _Watched) -> None:
        """Bring a window up to date, and measure it where it changed."""
        window = watched.window
        reading = watched.reader.read(window.cursor, window.size)
        if reading.requests or reading.anew:
            watched.is_measured = False
        window.extend(reading)
        if not watched.is_measured:
            manifest = watched.served.manifest
            watched.observation = observe(
                manifest.model,
                manifest.version,
                window,
                self._thresholds,
                fewest_rows=self._settings.monitoring_min_rows,
            )
            watched.is_measured = True
