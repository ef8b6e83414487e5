"""Loads versions in threads of their own, so that one that takes long holds up no other."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")
Names = tuple[str, str]
"""A model and a version of it."""
_THREADS = 8
_CLOSE_SECONDS = 1.0


class BackgroundLoads(Generic[Found]):
    """Loads that were started, and what came of those that have ended.

    Of each model one version is loaded at a time, and of all at most eight: versions of one model
    that take long leave room for those of others.

    Args:
        load: Returns what to keep of a version; it raises nothing.
    """

    def __init__(self, load: Callable[[str, str], Found]) -> None:
        self._load = load
        self._changed = threading.Condition()
        self._waiting: dict[Names, float] = {}
        self._running: dict[Names, float] = {}
        self._ended: dict[Names, Found] = {}
        self._closed = False

    def start(self, model: str, version: str) -> None:
        """Load a version; it goes on if it is being loaded already."""
        with self._changed:
            if (model, version) not in self._running:
                self._waiting.setdefault((model, version), time.monotonic())
                self._fill()

    def wait(self, seconds: float | None) -> None:
        """Wait until all loads have ended, or for so long; None: for ever."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or not (self._waiting or self._running), seconds
            )

    def take(self) -> dict[Names, Found]:
        """Return what came of the loads that have ended, once."""
        with self._changed:
            ended, self._ended = self._ended, {}
            return ended

    def forget_waiting(self, wanted: set[Names]) -> None:
        """Leave out what has not begun and is not wanted any more."""
        with self._changed:
            self._waiting = {k: since for k, since in self._waiting.items() if k in wanted}

    @property
    def has_ended(self) -> bool:
        """Whether there is something to take."""
        return bool(self._ended)

    def seconds(self) -> dict[Names, float]:
        """Return how long each version has been loading, or waiting for it."""
        now = time.monotonic()
        with self._changed:
            return {k: now - since for k, since in (self._waiting | self._running).items()}

    def close(self) -> None:
        """Start no more; wait a moment for those that end now."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._running, _CLOSE_SECONDS)

    def _fill(self) -> None:
        """Begin what may begin, with the lock held."""
        while not self._closed and len(self._running) < _THREADS:
            busy = {model for model, _ in self._running}
            names = next((names for names in self._waiting if names[0] not in busy), None)
            if names is None:
                return
            self._running[names] = self._waiting.pop(names)
            # Nobody waits for it at the end: what hangs in a library cannot be ended.
            threading.Thread(target=self._run, args=names, daemon=True).start()

    def _run(self, model: str, version: str) -> None:
        found = self._load(model, version)
        with self._changed:
            del self._running[model, version]
            self._ended[model, version] = found
            self._fill()
            self._changed.notify_all()
