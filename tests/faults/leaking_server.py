"""The service with a fault of its own: now and then a place in the queue is never given back.

Run as `python -m tests.faults.leaking_server mlops serve`.
"""

import asyncio
import sys

import api.app
from api.catalog import ServedModel
from api.engine import Engine
from api.job import Answer, Job
from api.lane import Lane
from api.problems import Overloaded
from mlops.__main__ import main

LEAKS_EVERY = 20
"""Of so many requests, one loses its place."""


class LeakingEngine(Engine):
    """Counts places by itself, and forgets to give some back."""

    asked = 0

    def submit(self, job: Job) -> "asyncio.Future[Answer]":
        """Answer, and lose a place now and then."""
        LeakingEngine.asked += 1
        return super().submit(job)

    def admit(self, model: ServedModel) -> Lane:
        """Admit while there are places left."""
        lane = super().admit(model)
        lost = LeakingEngine.asked // LEAKS_EVERY
        if len(lane.waiting) + lost >= self._settings.predict_queue_requests:
            raise Overloaded("Too many requests are waiting.")
        return lane


if __name__ == "__main__":
    # `create_app` makes the engine that `api.app` names.
    api.app.Engine = LeakingEngine  # type: ignore[attr-defined]  # for this process alone
    del sys.argv[0]
    main()
