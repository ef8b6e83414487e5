"""The queue of one model: what waits for it forms a batch, and a thread of its own answers it."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue

from api.job import Job, Outcome

MAX_BATCH_ROWS = 10_000
"""A batch is closed once it has this many rows, so that nobody waits long for strangers' rows."""
MAX_HUNG_THREADS = 3
"""So many threads may be left behind in calls that never return; more would fill the memory."""

Answer = Callable[[Sequence[Job]], list[Outcome]]


class Lane:
    """Answers the jobs of one model, a batch at a time, in the order in which they came.

    Its methods belong to the event loop. A model that hangs holds up its own lane alone, and that
    only until nobody waits for the batch any more: then its thread is left behind.
    """

    def __init__(self, answer: Answer, name: str) -> None:
        self.waiting: deque[Job] = deque()
        self.hung_threads = 0
        self._answer = answer
        self._name = name
        self._running: list[Job] = []
        self._scheduled = False
        self._thread: BatchThread | None = None

    @property
    def busy(self) -> bool:
        """Whether anything waits or is being answered."""
        return bool(self.waiting or self._running or self._scheduled)

    def add(self, job: Job) -> None:
        """Let a job wait for the next batch."""
        self.waiting.append(job)
        if not self._running and not self._scheduled:
            self._scheduled = True
            # One turn later, so that all that arrive in this turn of the loop share a batch.
            asyncio.get_running_loop().call_soon(self._start_batch)

    def give_up(self) -> None:
        """Leave the running batch behind if nobody waits for it any more, and go on."""
        if self._running and all(job.answered.done() for job in self._running):
            self.hung_threads += 1
            self.stop()
            self._running = []
            self._start_batch()

    def stop(self) -> None:
        """Let the thread end, once it is through with what it does."""
        if self._thread:
            self._thread.stop()
            self._thread = None

    def _start_batch(self) -> None:
        self._scheduled = False
        self._running = self._next_batch()
        if self._running:
            if self._thread is None:
                self._thread = BatchThread(self._answer, self._name)
            self._thread.start_batch(self._running, self._finished)

    def _next_batch(self) -> list[Job]:
        batch: list[Job] = []
        rows = 0
        while self.waiting and rows < MAX_BATCH_ROWS:
            job = self.waiting.popleft()
            # A job whose caller has stopped waiting is not worth a model's time.
            if not job.answered.done():
                batch.append(job)
                rows += len(job.rows.items)
        return batch

    def _finished(self, batch: list[Job], outcomes: Sequence[Outcome]) -> None:
        if batch is not self._running:
            # It was given up, and has come back after all.
            self.hung_threads -= 1
            return
        for job, outcome in zip(batch, outcomes, strict=True):
            job.resolve(outcome)
        self._start_batch()


Finished = Callable[[list[Job], Sequence[Outcome]], None]


class BatchThread:
    """A thread that answers one batch after another.

    A daemon, unlike those of an executor: a model that hangs must not keep the process from ending.
    """

    def __init__(self, answer: Answer, name: str) -> None:
        self._work: SimpleQueue[tuple[list[Job], Finished] | None] = SimpleQueue()
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def start_batch(self, batch: list[Job], finished: Finished) -> None:
        """Answer a batch; `finished` is called with the outcomes on the event loop."""
        self._work.put((batch, finished))

    def stop(self) -> None:
        """End after the batch that is being answered."""
        self._work.put(None)

    def _run(self) -> None:
        while work := self._work.get():
            batch, finished = work
            outcomes = self._answer(batch)
            # A loop that is closed belongs to a service that left this batch behind.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(finished, batch, outcomes)
            # Nothing of a batch may outlive it here, in the wait for the next one.
            del work, batch, outcomes
