"""The one place where predictions happen.

Requests that wait are answered together: one call of the model, one transaction in the log. Nobody
waits for a timer. While one batch is being answered the next one forms, so that alone a request is
answered at once, and in a crowd the cost of a call and of a commit is shared.
"""

import asyncio
import weakref
from time import perf_counter

from api.batching.batch_queue import MAX_HUNG_THREADS, BatchQueue
from api.batching.batch_runner import BatchRunner
from api.batching.prediction_job import Answer, PredictionJob
from api.http.problems import Overloaded, Unavailable
from api.models.loaded_models import ServedModel
from api.observe.metrics import Metrics
from settings.settings import Settings

CLOSE_POLL_SECONDS = 0.01


class Batcher:
    """Admits jobs, puts each in the queue of its model, and watches its deadline."""

    def __init__(self, batch_runner: BatchRunner, settings: Settings, metrics: Metrics) -> None:
        self._batch_runner = batch_runner
        self._settings = settings
        self.draining = self._closed = False
        """Whether admission has ended because the service is stopping."""
        # A queue lives as long as its model: requests in flight keep a replaced model alive.
        self._queues: weakref.WeakKeyDictionary[ServedModel, BatchQueue] = (
            weakref.WeakKeyDictionary()
        )
        metrics.queue_depth.set_function(self._waiting)

    def submit(self, job: PredictionJob) -> "asyncio.Future[Answer]":
        """Queue a job; return a future that gets the answer once it is logged.

        Its exception, if any, is a `DeadlineExceeded`, `ModelFailed`, `LogUnavailable` or
        `InternalError`.

        Raises:
            Overloaded: too many requests wait for this model.
            Unavailable: the service is stopping, or the model hangs.
        """
        if self._closed:
            raise stopping()
        queue = self._queue_with_room(job.model)
        job.deadline = perf_counter() + self._settings.predict_timeout_seconds
        job.answered = asyncio.get_running_loop().create_future()
        queue.add(job)
        return job.answered

    def drain(self) -> None:
        """Admit no more; what was admitted can still be submitted."""
        self.draining = True

    async def close(self) -> None:
        """Admit no more, answer all that wait, then stop; what hangs is left behind."""
        self.draining = self._closed = True
        try:
            async with asyncio.timeout(self._settings.service_shutdown_seconds):
                while any(queue.busy for queue in self._queues.values()):
                    for queue in self._queues.values():
                        # The server no longer waits for callers of a model that hangs.
                        queue.give_up()
                    await asyncio.sleep(CLOSE_POLL_SECONDS)
        except TimeoutError:
            pass
        for queue in self._queues.values():
            queue.stop()

    def admit(self, model: ServedModel) -> BatchQueue:
        """Return the queue of a model if it has room for a request whose body is not read yet.

        Raises:
            Overloaded: too many requests wait for this model.
            Unavailable: the service is stopping, or the model hangs.
        """
        if self.draining:
            raise stopping()
        return self._queue_with_room(model)

    def _queue_with_room(self, model: ServedModel) -> BatchQueue:
        queue = self._queues.get(model)
        if queue is None:
            queue = self._new_queue(model)
            self._queues[model] = queue
            weakref.finalize(model, queue.stop)
        if len(queue.waiting) >= self._settings.predict_queue_requests:
            raise Overloaded("Too many requests are waiting. Send this one again a little later.")
        if queue.hung_threads >= MAX_HUNG_THREADS:
            raise Unavailable("This model hangs. Roll back to another version of it.")
        return queue

    def _new_queue(self, model: ServedModel) -> BatchQueue:
        batch_runner = self._batch_runner
        # Only a compiled model is known to return: others may run anything.
        may_block = (lambda: not batch_runner.logs_at_once) if model.compiled else (lambda: True)
        return BatchQueue(
            batch_runner.answer,
            may_block,
            f"batches-{model.manifest.model}",
            self._settings.predict_running_requests,
        )

    def _waiting(self) -> int:
        return sum(len(queue.waiting) for queue in list(self._queues.values()))


def stopping() -> Unavailable:
    """Return the refusal for callers of a service that is stopping."""
    sentence = "The service is stopping. Send the request again."
    return Unavailable(sentence, headers={"Connection": "close"})
