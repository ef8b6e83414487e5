"""The queue of one model: what waits for it forms a batch, answered on the loop or in a thread."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain
from queue import SimpleQueue
from time import perf_counter

from api.batching.latency_estimate import LatencyEstimate
from api.batching.prediction_job import Outcome, PredictionJob

MAX_BATCH_ROWS = 2_000
"""A batch is closed once it has this many rows. More would gain no time, and cost memory: a
compiled forest of 100 trees takes 8 kB a row."""
MAX_HUNG_THREADS = 3
"""Maximum number of threads left behind in calls that never return; more would fill the memory."""

ON_LOOP_SECONDS = 0.005
"""A batch that is expected to take longer does not hold up the event loop."""

Answer = Callable[[Sequence[PredictionJob]], list[Outcome]]


class BatchQueue:
    """Answers the jobs of one model, a batch at a time, in the order in which they came.

    Its methods belong to the event loop. A batch that is foreseen to be short is answered on the
    loop, where that is allowed: to hand it to a thread and back costs more than a compiled model.
    All others are answered in a thread. A model that hangs there holds up its own queue alone, and
    that only until nobody waits for the batch any more: then its thread is left behind.

    Args:
        answer: Answers a batch.
        may_block: Whether `answer` might now wait for anything but the processor.
        name: Of the queue's threads.
        max_requests: Maximum number of jobs per batch.
    """

    def __init__(
        self, answer: Answer, may_block: Callable[[], bool], name: str, max_requests: int
    ) -> None:
        self.waiting: deque[PredictionJob] = deque()
        self.hung_threads = 0
        self._answer = answer
        self._may_block = may_block
        self._name = name
        self._max_requests = max_requests
        self._loop = asyncio.get_running_loop()
        self._latency = LatencyEstimate()
        self._running: list[PredictionJob] = []
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._thread: BatchThread | None = None

    @property
    def busy(self) -> bool:
        """Whether anything waits or is being answered."""
        return bool(self.waiting or self._running or self._scheduled)

    def add(self, job: PredictionJob) -> None:
        """Queue a job for the next batch."""
        self.waiting.append(job)
        if self._running:
            self._watch_deadlines()
        elif not self._scheduled:
            self._schedule()

    def give_up(self) -> None:
        """Leave the running batch behind if nobody waits for it any more, and go on."""
        if self._running and all(job.answered.done() for job in self._running):
            self.hung_threads += 1
            self.stop()
            self._running = []
            self._start_batch()

    def stop(self) -> None:
        """Let the thread end after its current batch."""
        if self._thread:
            self._thread.stop()
            self._thread = None

    def _schedule(self) -> None:
        self._scheduled = True
        # Two iterations of the loop later, so that all that arrive by then share a batch: what this
        # one reads from the sockets comes here in the next one.
        self._loop.call_soon(self._loop.call_soon, self._start_batch)

    def _start_batch(self) -> None:
        self._scheduled = False
        here = 0 if self._may_block() else self._latency.rows_within(ON_LOOP_SECONDS)
        batch, rows = self._next_batch(min(here, MAX_BATCH_ROWS) or MAX_BATCH_ROWS)
        if not batch:
            return
        if rows <= here:
            self._answer_here(batch, rows)
            return
        self._running = batch
        self._watch_deadlines()
        if self._thread is None:
            self._thread = BatchThread(self._answer, self._name)
        self._thread.start_batch(batch, self._finished)

    def _answer_here(self, batch: list[PredictionJob], rows: int) -> None:
        started = perf_counter()
        outcomes = self._answer(batch)
        self._latency.note(rows, perf_counter() - started)
        for job, outcome in zip(batch, outcomes, strict=True):
            job.resolve(outcome)
        if self.waiting:
            self._schedule()

    def _next_batch(self, max_rows: int) -> tuple[list[PredictionJob], int]:
        batch: list[PredictionJob] = []
        rows = 0
        now = perf_counter()
        while self.waiting and len(batch) < self._max_requests:
            size = self.waiting[0].rows.size
            if batch and rows + size > max_rows:
                break
            job = self.waiting.popleft()
            # A job whose caller has stopped waiting is not worth a model's time.
            if job.expire(now):
                continue
            batch.append(job)
            rows += size
        return batch, rows

    def _finished(
        self, batch: list[PredictionJob], outcomes: Sequence[Outcome], seconds: float
    ) -> None:
        if batch is not self._running:
            # It was given up, and has come back after all.
            self.hung_threads -= 1
            return
        self._latency.note(sum(job.rows.size for job in batch), seconds)
        for job, outcome in zip(batch, outcomes, strict=True):
            job.resolve(outcome)
        self._running = []
        self._start_batch()

    def _watch_deadlines(self) -> None:
        """Set a timer for the first deadline among the jobs of a thread."""
        if self._timer is None:
            jobs = chain(self._running, self.waiting)
            # Deadlines have the order of arrival, so that the first waiting job has the next one.
            if first := next((job for job in jobs if not job.answered.done()), None):
                delay = max(first.deadline - perf_counter(), 0.0)
                self._timer = self._loop.call_later(delay, self._expire_late)

    def _expire_late(self) -> None:
        self._timer = None
        now = perf_counter()
        for job in self._running:
            job.expire(now)
        while self.waiting and self.waiting[0].expire(now):
            self.waiting.popleft()
        self.give_up()
        self._watch_deadlines()


Finished = Callable[[list[PredictionJob], Sequence[Outcome], float], None]


class BatchThread:
    """A thread that answers one batch after another.

    A daemon, unlike those of an executor: a model that hangs must not keep the process from ending.
    """

    def __init__(self, answer: Answer, name: str) -> None:
        self._work: SimpleQueue[tuple[list[PredictionJob], Finished] | None] = SimpleQueue()
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def start_batch(self, batch: list[PredictionJob], finished: Finished) -> None:
        """Answer a batch; `finished` is called with the outcomes on the event loop."""
        self._work.put((batch, finished))

    def stop(self) -> None:
        """End after the batch that is being answered."""
        self._work.put(None)

    def _run(self) -> None:
        while work := self._work.get():
            batch, finished = work
            started = perf_counter()
            outcomes = self._answer(batch)
            seconds = perf_counter() - started
            # A loop that is closed belongs to a service that left this batch behind.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(finished, batch, outcomes, seconds)
            # Nothing of a batch may outlive it here, in the wait for the next one.
            del work, batch, outcomes
