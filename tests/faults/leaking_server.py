"""The service with a fault of its own: now and then a place in the queue is never given back.

Run as `python -m tests.faults.leaking_server mlops serve`.
"""

import asyncio
import sys

import api.lifespan
from api.batching.batch_queue import BatchQueue
from api.batching.batcher import Batcher
from api.batching.prediction_job import Answer, PredictionJob
from api.http.problems import Overloaded
from api.models.loaded_models import ServedModel
from mlops.__main__ import main

LEAKS_EVERY = 20
"""Of so many requests, one loses its place."""


class LeakingBatcher(Batcher):
    """A batcher that counts places by itself and forgets to give some back."""

    asked = 0

    def submit(self, job: PredictionJob) -> "asyncio.Future[Answer]":
        """Answer, and lose a place now and then."""
        LeakingBatcher.asked += 1
        return super().submit(job)

    def admit(self, model: ServedModel) -> BatchQueue:
        """Admit while there are places left."""
        queue = super().admit(model)
        lost = LeakingBatcher.asked // LEAKS_EVERY
        if len(queue.waiting) + lost >= self._settings.predict_queue_requests:
            raise Overloaded("Too many requests are waiting.")
        return queue


if __name__ == "__main__":
    # The lifespan makes the batcher that `api.lifespan` names.
    api.lifespan.Batcher = LeakingBatcher  # type: ignore[attr-defined]  # for this process alone
    del sys.argv[0]
    main()
