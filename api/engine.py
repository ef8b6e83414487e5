"""The one place where predictions happen.

Requests that wait are answered together: one call of the model, one transaction in the log. Nobody
waits for a timer. While one batch is being answered the next one forms, so that alone a request is
answered at once, and in a crowd the cost of a call and of a commit is shared.

Answered means logged: an answer leaves only after its transaction is committed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

import msgspec

from api.catalog import ServedModel
from api.event_log import EventLog
from api.metrics import Metrics
from api.problems import (
    DeadlineExceeded,
    InternalError,
    LogUnavailable,
    ModelFailed,
    Overloaded,
    Problem,
    Unavailable,
)
from api.settings import Settings
from model_store.errors import PredictionError
from model_store.predictor import answers
from model_store.row_decoder import Rows
from monitoring.batch import Entry
from monitoring.errors import LogUnavailableError
from monitoring.prediction_log import PredictionLog

ON_LOOP_SECONDS = 0.001
"""A batch expected to take less is answered on the event loop, as a thread would cost more."""
MAX_BATCH_ROWS = 10_000
"""A batch is closed once it has this many rows, so that nobody waits long for strangers' rows."""


class Answer(NamedTuple):
    """What a model answered to one request."""

    body: bytes
    logged: bool


@dataclass(eq=False)
class Job:
    """One request on its way through the engine."""

    model: ServedModel
    rows: Rows
    body: bytes
    """The request's own JSON text; the log keeps it as it is."""
    request_id: str
    probabilities: bool
    received: float
    """`time.perf_counter()` when the request came in."""
    answered: "asyncio.Future[Answer]" = field(init=False)


Outcome = Answer | Problem


class Engine:
    """Forms batches, has them answered and logged, and hands out the answers."""

    def __init__(
        self,
        log: PredictionLog,
        settings: Settings,
        *,
        metrics: Metrics,
        events: EventLog,
        log_failure: str = "",
    ) -> None:
        self._log = log
        self._settings = settings
        self._metrics = metrics
        self._events = events
        self._waiting: deque[Job] = deque()
        self._busy = False
        self._closed = False
        self.log_failure = log_failure
        """Why the prediction log could not be written the last time; empty while it can be."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")
        metrics.queue_depth.set_function(lambda: len(self._waiting))

    async def predict(self, job: Job) -> Answer:
        """Return the answer to a job, once it is logged.

        Raises:
            Problem: one of `Overloaded`, `Unavailable`, `DeadlineExceeded`, `ModelFailed`,
                `LogUnavailable`, `InternalError`.
        """
        if self._closed:
            raise Unavailable("The service is stopping. Send the request again.")
        if len(self._waiting) >= self._settings.predict_queue_requests:
            raise Overloaded("Too many requests are waiting. Send this one again a little later.")
        job.answered = asyncio.get_running_loop().create_future()
        self._waiting.append(job)
        if not self._busy:
            self._busy = True
            self._idle.clear()
            # One turn later, so that all that arrive in this turn of the loop share a batch.
            asyncio.get_running_loop().call_soon(self._answer_next)
        try:
            async with asyncio.timeout(self._settings.predict_timeout_seconds):
                return await job.answered
        except TimeoutError:
            raise DeadlineExceeded(
                f"No answer within {self._settings.predict_timeout_seconds:g} seconds."
            ) from None

    def try_log(self) -> None:
        """Find out whether a log that failed can be written again. Blocks."""
        try:
            self._log.open()
        except LogUnavailableError as error:
            self.log_failure = str(error)
        else:
            self.log_failure = ""

    async def close(self) -> None:
        """Answer all that wait, then stop."""
        self._closed = True
        await self._idle.wait()
        self._thread.shutdown(wait=True)

    def _answer_next(self) -> None:
        batch = self._next_batch()
        if not batch:
            self._busy = False
            self._idle.set()
            return
        loop = asyncio.get_running_loop()
        if self._expected_seconds(batch) < ON_LOOP_SECONDS:
            _resolve(batch, self._answer(batch))
            loop.call_soon(self._answer_next)
        else:
            work = loop.run_in_executor(self._thread, self._answer, batch)
            work.add_done_callback(lambda done: self._answered(batch, done))

    def _answered(self, batch: list[Job], done: "asyncio.Future[list[Outcome]]") -> None:
        _resolve(batch, done.result())
        self._answer_next()

    def _next_batch(self) -> list[Job]:
        batch: list[Job] = []
        rows = 0
        while self._waiting and rows < MAX_BATCH_ROWS:
            job = self._waiting.popleft()
            # A job whose caller has stopped waiting is not worth a model's time.
            if not job.answered.done():
                batch.append(job)
                rows += len(job.rows.items)
        return batch

    def _expected_seconds(self, batch: Iterable[Job]) -> float:
        return sum(
            group.model.costs.expected_seconds(sum(len(job.rows.items) for job in group.jobs))
            for group in _groups(batch)
        )

    def _answer(self, batch: list[Job]) -> list[Outcome]:
        """Return the outcome of each job, logged. On the loop or off it, never both at once."""
        try:
            outcomes: dict[Job, Outcome] = {}
            for group in _groups(batch):
                outcomes |= self._predict(group)
            self._write(outcomes)
            return [outcomes[job] for job in batch]
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            self._events.error("engine-failed", exc_info=error)
            return [InternalError("This is a fault of the service.")] * len(batch)

    def _predict(self, group: "Group") -> dict[Job, Outcome]:
        try:
            return dict(zip(group.jobs, self._call(group), strict=True))
        except Exception as error:  # noqa: BLE001 - a model may raise anything
            if len(group.jobs) > 1:
                # One bad request must not fail its neighbours.
                outcomes: dict[Job, Outcome] = {}
                for job in group.jobs:
                    outcomes |= self._predict(group._replace(jobs=[job]))
                return outcomes
            manifest = group.model.manifest
            self._events.error(
                "model-failed",
                model=manifest.model,
                version=manifest.version,
                request_id=group.jobs[0].request_id,
                reason=str(error) if isinstance(error, PredictionError) else "",
                exc_info=error,
            )
            return {group.jobs[0]: ModelFailed("The model could not answer this request.")}

    def _call(self, group: "Group") -> list[Answer]:
        """Return the answers of a group, by one call of its model."""
        started = time.perf_counter()
        model = group.model
        rows = [row for job in group.jobs for row in job.rows.items]
        columns = model.decoder.columns(rows)
        prediction = model.loaded.predictor.predict(columns, probabilities=group.probabilities)
        answered = iter(
            answers(prediction, model.manifest.signature, model.loaded.predictor.classes)
        )
        bodies = []
        for job in group.jobs:
            own = [next(answered) for _ in job.rows.items]
            bodies.append(msgspec.json.encode(own[0] if job.rows.single else own))
        self._metrics.batch_rows.observe(len(rows))
        if outside := model.training_range.rows_outside(columns):
            labels = (model.manifest.model, model.manifest.version)
            self._metrics.out_of_range_rows.labels(*labels).inc(outside)
        model.costs.observe(len(rows), time.perf_counter() - started)
        return [Answer(body, logged=True) for body in bodies]

    def _write(self, outcomes: dict[Job, Outcome]) -> None:
        """Log a batch. What cannot be logged is refused or marked, as the settings say."""
        now = datetime.now(UTC)
        finished = time.perf_counter()
        entries = [
            Entry(
                request_id=job.request_id,
                time=now,
                model=job.model.manifest.model,
                version=job.model.manifest.version,
                outcome="answered" if isinstance(outcome, Answer) else "failed",
                rows=len(job.rows.items),
                seconds=finished - job.received,
                inputs=job.body,
                outputs=outcome.body if isinstance(outcome, Answer) else b"",
            )
            for job, outcome in outcomes.items()
        ]
        try:
            with self._metrics.log_commit_seconds.time():
                self._log.write(entries)
            self.log_failure = ""
        except LogUnavailableError as error:
            self.log_failure = str(error)
            self._metrics.log_failures.inc()
            self._events.error("log-unavailable", reason=str(error))
            self._without_log(outcomes, entries)

    def _without_log(self, outcomes: dict[Job, Outcome], entries: list[Entry]) -> None:
        for (job, outcome), entry in zip(list(outcomes.items()), entries, strict=True):
            if not isinstance(outcome, Answer):
                continue
            if self._settings.log_on_failure == "refuse":
                outcomes[job] = LogUnavailable(
                    "The answer could not be logged, so it is not given. Send the request again."
                )
            else:
                outcomes[job] = outcome._replace(logged=False)
                self._events.warning("unlogged-prediction", **self._log.kept(entry))


class Group(NamedTuple):
    """The jobs of a batch that one call of a model can answer."""

    model: ServedModel
    probabilities: bool
    jobs: list[Job]


def _groups(batch: Iterable[Job]) -> list[Group]:
    def kind(job: Job) -> tuple[int, bool]:
        return id(job.model), job.probabilities

    groups = []
    for (_, probabilities), jobs in groupby(sorted(batch, key=kind), key=kind):
        members = list(jobs)
        groups.append(Group(members[0].model, probabilities, members))
    return groups


def _resolve(batch: Iterable[Job], outcomes: Iterable[Outcome]) -> None:
    for job, outcome in zip(batch, outcomes, strict=True):
        if job.answered.done():
            continue
        if isinstance(outcome, Answer):
            job.answered.set_result(outcome)
        else:
            job.answered.set_exception(outcome)
