"""How a batch is answered: one call of the model, one transaction in the log, in this order.

Answered means logged: an answer is given back only after its transaction is committed. It runs
on the event loop for short batches, in the thread of a queue for others, and need not know which.
"""

import time
from collections.abc import Sequence

from api.batching.prediction_job import Answer, Outcome, PredictionJob
from api.http.problems import DeadlineExceeded, InternalError, LogUnavailable, ModelFailed
from api.observe.metrics import Metrics
from api.observe.structured_log import StructuredLog
from model_store.errors import PredictionError
from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.writer import LogWriter
from settings.settings import Settings


class BatchRunner:
    """Answers batches, each of one model, and logs them."""

    def __init__(
        self, log: LogWriter, settings: Settings, *, metrics: Metrics, events: StructuredLog
    ) -> None:
        self._log = log
        self._settings = settings
        self._metrics = metrics
        self._events = events
        self.log_failure = ""
        """Why the prediction log could not be written the last time; empty while it can be."""

    def answer(self, batch: Sequence[PredictionJob]) -> list[Outcome]:
        """Return the outcome of each job, logged. Every job gets one, whatever happens."""
        try:
            outcomes: dict[PredictionJob, Outcome] = {}
            # Probabilities are asked of the model by a call of their own.
            for probabilities in (False, True):
                outcomes |= self._predict([j for j in batch if j.probabilities is probabilities])
            self._write(outcomes)
            return [outcomes[job] for job in batch]
        except BaseException as error:  # noqa: BLE001 - nothing may end the queue
            self._events.error("batch-failed", exc_info=error)
            return [InternalError("This is a fault of the service.")] * len(batch)

    @property
    def logs_at_once(self) -> bool:
        """Whether logging a batch now would block its caller for no more than an instant."""
        return not self.log_failure and self._log.writes_at_once

    def try_log(self) -> None:
        """Check whether a failed log can be written again, by writing to it."""
        try:
            self._log.event("log-writable", {"after": self.log_failure})
        except LogUnavailableError as error:
            self.log_failure = str(error)
        else:
            self.log_failure = ""

    def _predict(self, jobs: Sequence[PredictionJob]) -> dict[PredictionJob, Outcome]:
        now = time.perf_counter()
        # Where a batch failed late, nobody waits any more for some of what is asked again.
        outcomes: dict[PredictionJob, Outcome] = {
            job: DeadlineExceeded("No answer in time.") for job in jobs if _is_late(job, now)
        }
        return outcomes | self._predict_together([job for job in jobs if job not in outcomes])

    def _predict_together(self, jobs: Sequence[PredictionJob]) -> dict[PredictionJob, Outcome]:
        if not jobs:
            return {}
        try:
            return dict(zip(jobs, self._call(jobs), strict=True))
        except BaseException as error:  # noqa: BLE001 - a model may raise anything
            if len(jobs) > 1:
                # One bad request must not fail its neighbours.
                outcomes: dict[PredictionJob, Outcome] = {}
                for job in jobs:
                    outcomes |= self._predict([job])
                return outcomes
            manifest = jobs[0].model.manifest
            self._events.error(
                "model-failed",
                model=manifest.model,
                version=manifest.version,
                request_id=jobs[0].request_id,
                reason=str(error) if isinstance(error, PredictionError) else "",
                exc_info=error,
            )
            return {jobs[0]: ModelFailed("The model could not answer this request.")}

    def _call(self, jobs: Sequence[PredictionJob]) -> list[Answer]:
        """Return the answers to jobs of one model, by one call of it."""
        model = jobs[0].model
        columns = model.decoder.columns(job.rows for job in jobs)
        predictor = model.loaded.predictor
        asked, decision = jobs[0].probabilities, model.manifest.decision
        prediction = predictor.predict(columns, probabilities=asked or decision.needs_probabilities)
        rows = (job.rows for job in jobs)
        bodies = list(model.encoder.encode(prediction, rows, probabilities=asked))
        self._metrics.batch_rows.observe(sum(job.rows.size for job in jobs))
        labels = (model.manifest.model, model.manifest.version)
        if decision.least_confidence and prediction.probabilities is not None:
            unsure = int(decision.unsure(prediction.probabilities).sum())
            self._metrics.unsure_rows.labels(*labels).inc(unsure)
        if outside := model.training_range.rows_outside(columns):
            self._metrics.out_of_range_rows.labels(*labels).inc(outside)
        return [Answer(body, logged=True) for body in bodies]

    def _write(self, outcomes: dict[PredictionJob, Outcome]) -> None:
        """Log a batch. What cannot be logged is refused or marked, as the settings say."""
        now = time.perf_counter()
        for job in outcomes:
            if _is_late(job, now):
                # Too late: its caller got 504, and it must not count as answered.
                outcomes[job] = DeadlineExceeded("No answer in time.")
        entries = [_entry(job, outcome, now) for job, outcome in outcomes.items()]
        try:
            with self._metrics.log_commit_seconds.time():
                self._log.write(entries)
            self.log_failure = ""
        except LogUnavailableError as error:
            self.log_failure = str(error)
            self._metrics.log_failures.inc()
            self._events.error("log-unavailable", reason=str(error))
            self._without_log(outcomes, entries)

    def _without_log(
        self, outcomes: dict[PredictionJob, Outcome], entries: Sequence[Entry]
    ) -> None:
        for (job, outcome), entry in zip(list(outcomes.items()), entries, strict=True):
            if not isinstance(outcome, Answer):
                continue
            if self._settings.log_on_failure == "refuse":
                outcomes[job] = LogUnavailable(
                    "The answer could not be logged, so it is not given. Send the request again."
                )
            else:
                outcomes[job] = outcome._replace(logged=False)
                self._metrics.unlogged.labels(entry.model, entry.version).inc()
                # As an error, which no level filters out: this line is the only record.
                self._events.error("unlogged-prediction", **self._log.kept(entry))


def _is_late(job: PredictionJob, now: float) -> bool:
    return now > job.deadline or job.answered.done()


def _entry(job: PredictionJob, outcome: Outcome, finished: float) -> Entry:
    return Entry(
        request_id=job.request_id,
        time=job.arrived,
        model=job.model.manifest.model,
        version=job.model.manifest.version,
        outcome="answered" if isinstance(outcome, Answer) else "failed",
        rows=job.rows.size,
        seconds=finished - job.received,
        inputs=job.rows.rewritten or job.body,
        outputs=outcome.body if isinstance(outcome, Answer) else b"",
        client=job.client,
    )
