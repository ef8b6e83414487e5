"""The one place where predictions happen.

Requests that wait are answered together: one call of the model, one transaction in the log. Nobody
waits for a timer. While one batch is being answered the next one forms, so that alone a request is
answered at once, and in a crowd the cost of a call and of a commit is shared.
"""

import asyncio
import weakref
from time import perf_counter

from api.answering import Answering
from api.catalog import ServedModel
from api.job import Answer, Job
from api.lane import MAX_HUNG_THREADS, Lane
from api.metrics import Metrics
from api.problems import Overloaded, Unavailable
from api.settings import Settings

CLOSE_POLL_SECONDS = 0.01


class Engine:
    """Admits jobs, puts each in the lane of its model, and watches its deadline."""

    def __init__(self, answering: Answering, settings: Settings, metrics: Metrics) -> None:
        self._answering = answering
        self._settings = settings
        self.draining = self._closed = False
        """Whether nothing is admitted any more, as the service stops."""
        # A lane lives as long as its model: requests in flight keep a replaced model alive.
        self._lanes: weakref.WeakKeyDictionary[ServedModel, Lane] = weakref.WeakKeyDictionary()
        metrics.queue_depth.set_function(self._waiting)

    def submit(self, job: Job) -> "asyncio.Future[Answer]":
        """Let a job be answered; what is returned holds the answer once that is logged.

        Its exception, if any, is a `DeadlineExceeded`, `ModelFailed`, `LogUnavailable` or
        `InternalError`.

        Raises:
            Overloaded: too many requests wait for this model.
            Unavailable: the service is stopping, or the model hangs.
        """
        if self._closed:
            raise stopping()
        lane = self._lane_with_room(job.model)
        job.deadline = perf_counter() + self._settings.predict_timeout_seconds
        job.answered = asyncio.get_running_loop().create_future()
        lane.add(job)
        return job.answered

    def drain(self) -> None:
        """Admit no more; what was admitted can still be submitted."""
        self.draining = True

    async def close(self) -> None:
        """Admit no more, answer all that wait, then stop; what hangs is left behind."""
        self.draining = self._closed = True
        try:
            async with asyncio.timeout(self._settings.service_shutdown_seconds):
                while any(lane.busy for lane in self._lanes.values()):
                    for lane in self._lanes.values():
                        # The server has given up on who waits for a model that hangs.
                        lane.give_up()
                    await asyncio.sleep(CLOSE_POLL_SECONDS)
        except TimeoutError:
            pass
        for lane in self._lanes.values():
            lane.stop()

    def admit(self, model: ServedModel) -> Lane:
        """Return the lane of a model if a request, whose body is not read yet, has a chance in it.

        Raises:
            Overloaded: too many requests wait for this model.
            Unavailable: the service is stopping, or the model hangs.
        """
        if self.draining:
            raise stopping()
        return self._lane_with_room(model)

    def _lane_with_room(self, model: ServedModel) -> Lane:
        lane = self._lanes.get(model)
        if lane is None:
            lane = self._new_lane(model)
            self._lanes[model] = lane
            weakref.finalize(model, lane.stop)
        if len(lane.waiting) >= self._settings.predict_queue_requests:
            raise Overloaded("Too many requests are waiting. Send this one again a little later.")
        if lane.hung_threads >= MAX_HUNG_THREADS:
            raise Unavailable("This model hangs. Roll back to another version of it.")
        return lane

    def _new_lane(self, model: ServedModel) -> Lane:
        answering = self._answering
        # Only a compiled model is known to return: others may run anything.
        may_block = (lambda: not answering.logs_at_once) if model.compiled else (lambda: True)
        return Lane(
            answering.answer,
            may_block,
            f"lane-{model.manifest.model}",
            self._settings.predict_running_requests,
        )

    def _waiting(self) -> int:
        return sum(len(lane.waiting) for lane in list(self._lanes.values()))


def stopping() -> Unavailable:
    """Return what callers of a service that stops are told."""
    sentence = "The service is stopping. Send the request again."
    return Unavailable(sentence, headers={"Connection": "close"})
