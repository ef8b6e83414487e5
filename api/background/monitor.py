"""Monitors the served versions: updates windows, drift and live scores every few seconds.

This costs predictions nothing: windows and labels are read from the prediction log.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.models.loaded_models import LoadedModels, ServedModel
from monitoring.criteria import thresholds
from monitoring.feedback.label_queue import Rarity
from monitoring.feedback.live_scores import LiveScorer, LiveScores
from monitoring.feedback.reader import FeedbackReader
from monitoring.log.errors import LogUnavailableError
from monitoring.windows.observation import Observation, observe
from monitoring.windows.rarity import rarity
from monitoring.windows.reader import WindowReader
from monitoring.windows.window import Window
from settings.settings import Settings


class MonitoringError(Exception):
    """Some versions could not be measured."""

    def __init__(self, failures: Mapping[str, Exception]) -> None:
        self.failures = {name: type(error).__name__ for name, error in failures.items()}
        """The kind of error by model and version; its text may hold a value of the log."""
        super().__init__(", ".join(f"{name}: {kind}" for name, kind in self.failures.items()))


@dataclass(eq=False)
class _MonitoredVersion:
    """A served version with its window, its scorer and the last results.

    An update may fail at any step; the next one completes what is missing.
    """

    served: ServedModel
    window: Window
    reader: WindowReader
    scorer: LiveScorer
    is_measured: bool = False
    """Whether the observation describes the current window."""
    observation: Observation | None = None
    scored: Observation | None = None
    """The observation at the time of the last scores."""
    scores: LiveScores | None = None


class Monitor:
    """Measures the windows and the labels of all served versions.

    `update` runs in one thread at a time; the results may be read from any thread.
    """

    def __init__(
        self,
        log: Path,
        settings: Settings,
        loaded_models: Callable[[], LoadedModels],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._updated = clock()
        self._log = log
        self._settings = settings
        self._loaded_models = loaded_models
        self._labels = FeedbackReader(log)
        self._thresholds = thresholds(settings)
        self._monitored: dict[ServedModel, _MonitoredVersion] = {}

    @property
    def observations(self) -> list[Observation]:
        """The last observation of each version's window."""
        return [w.observation for w in self._monitored.values() if w.observation]

    @property
    def scores(self) -> list[LiveScores]:
        """The live scores of each version."""
        return [w.scores for w in self._monitored.values() if w.scores]

    def update(self) -> None:
        """Bring all windows up to date, and measure them.

        Raises:
            LogUnavailableError: the log cannot be read; the last results stay.
            MonitoringError: some versions could not be measured; all others were.
        """
        served = list(self._loaded_models())
        self._monitored = {s: self._monitored.get(s) or self._monitor(s) for s in served}
        labels = self._labels.state()
        failures: dict[str, Exception] = {}
        for monitored in self._monitored.values():
            try:
                self._observe(monitored)
                answered = monitored.observation is not monitored.scored
                monitored.scores = monitored.scorer.score(labels, answered=answered)
                monitored.scored = monitored.observation
            except LogUnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - one odd version must not stop all others
                manifest = monitored.served.manifest
                failures[f"{manifest.model} {manifest.version}"] = error
                monitored.observation = monitored.scores = None
        self._updated = self._clock()
        if failures:
            raise MonitoringError(failures)

    def age_seconds(self) -> float:
        """Return the seconds since the last successful update, or since the start."""
        return self._clock() - self._updated

    def rarities(self, model: str) -> dict[str, Rarity]:
        """Return, by version, a function that measures how rare a row is.

        Versions without one: those not yet measured, published without a reference, or with too
        few rows.
        """
        return {
            monitored.served.manifest.version: partial(rarity, monitored.window.columns)
            for monitored in list(self._monitored.values())
            if monitored.served.manifest.model == model
            and monitored.window.rows >= self._settings.monitoring_min_rows
            and any(column.reference.rows for column in monitored.window.columns)
        }

    def _monitor(self, served: ServedModel) -> _MonitoredVersion:
        manifest = served.manifest
        scorer = LiveScorer(
            self._labels,
            served.scored,
            rows=self._settings.feedback_rows,
            min_rows=self._settings.monitoring_min_rows,
        )
        return _MonitoredVersion(
            served,
            Window(served.monitored, self._settings.window_rows),
            WindowReader(self._log, manifest.model, manifest.version),
            scorer,
        )

    def _observe(self, monitored: _MonitoredVersion) -> None:
        """Update a window, and measure it if it changed."""
        window = monitored.window
        reading = monitored.reader.read(window.cursor, window.size)
        if reading.requests or reading.anew:
            monitored.is_measured = False
        window.extend(reading)
        if not monitored.is_measured:
            manifest = monitored.served.manifest
            monitored.observation = observe(
                manifest.model,
                manifest.version,
                window,
                self._thresholds,
                fewest_rows=self._settings.monitoring_min_rows,
            )
            monitored.is_measured = True
