"""A batcher without HTTP: the smallest world of batches."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pandas as pd

from api.batching.batch_runner import BatchRunner
from api.batching.batcher import Batcher
from api.batching.prediction_job import Answer, PredictionJob
from api.models.loaded_models import ServedModel
from api.observe.metrics import Metrics
from api.observe.structured_log import make_structured_log
from monitoring.log.options import LogOptions
from monitoring.log.reading.reader import LogReader
from monitoring.log.writing.prediction_log import PredictionLog
from settings.settings import Settings
from tests.api.conftest import Estimator, loaded, served

PATIENCE_SECONDS = 120
"""How long a test waits for an event that comes at once, or never."""

Scenario = Callable[[Batcher], Coroutine[Any, Any, None]]


class Bench:
    """A batcher with all that it needs, and with its events, metrics and log to read afterwards."""

    def __init__(self, settings: Settings, stream: BytesIO | None = None, **options: Any) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.stream = stream or BytesIO()
        self.path = settings.local_data / "predictions.sqlite"
        self.log = PredictionLog(self.path, LogOptions(**options), lambda: datetime.now(UTC))
        events = make_structured_log("debug", self.stream)
        self.batch_runner = BatchRunner(self.log, settings, metrics=self.metrics, events=events)

    def run(self, scenario: Scenario) -> None:
        """Run a scenario in an event loop, then close the batcher and the log."""

        async def main() -> None:
            batcher = Batcher(self.batch_runner, self.settings, self.metrics)
            try:
                await scenario(batcher)
            finally:
                await batcher.close()

        try:
            asyncio.run(main())
        finally:
            self.log.close()

    @property
    def said(self) -> str:
        """Return the events."""
        return self.stream.getvalue().decode()

    @property
    def totals(self) -> dict[str, tuple[int, int]]:
        """Return requests and rows by outcome, of all models together."""
        found: dict[str, tuple[int, int]] = {}
        for total in LogReader(self.path).totals():
            requests, rows = found.get(total.outcome, (0, 0))
            found[total.outcome] = (requests + total.requests, rows + total.rows)
        return found

    def sample(self, name: str) -> float | None:
        """Return the value of a metric without labels."""
        return self.metrics.registry.get_sample_value(name)


class Held:
    """A model that waits in each call that has a row with `a` = 0, until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.released = threading.Event()
        self.threads: list[threading.Thread] = []
        self.estimator = Estimator(self._wait)
        self.model = served(loaded(self.estimator))

    def _wait(self, frame: pd.DataFrame) -> None:
        self.threads.append(threading.current_thread())
        if (frame["a"] == 0).any():
            self.entered.release()
            assert self.released.wait(PATIENCE_SECONDS)

    async def occupied(self, batcher: Batcher) -> "asyncio.Future[Answer]":
        """Let a request occupy the queue of the model; return it."""
        task = batcher.submit(new_job(self.model, 0))
        assert await asyncio.to_thread(self.entered.acquire, timeout=PATIENCE_SECONDS)
        return task


def new_job(model: ServedModel, *values: float, single: bool = False) -> PredictionJob:
    """Return a request with one row for each value of `a`; `b` is 1."""
    body = [f'{{"a":{value},"b":1}}' for value in values]
    text = (body[0] if single else f"[{','.join(body)}]").encode()
    return PredictionJob(
        model=model,
        rows=model.decoder.decode(text),
        body=text,
        request_id="-".join(str(value) for value in values),
        probabilities=False,
        arrived=datetime.now(UTC),
        received=time.perf_counter(),
    )


async def answer_of(batcher: Batcher, job: PredictionJob) -> Answer:
    """Ask, and return the answer."""
    return await batcher.submit(job)


async def outcomes(batcher: Batcher, *jobs: PredictionJob) -> list[Answer | BaseException]:
    """Ask all at once; return what each caller gets."""
    return await asyncio.gather(*(answer_of(batcher, job) for job in jobs), return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Wait in the event loop until a condition holds that another thread brings about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - threads set no asyncio.Event
            await asyncio.sleep(0.001)


def refuse_negative(frame: pd.DataFrame) -> None:
    """Raise what quotes a value, as numerical libraries do."""
    if (frame["a"] < 0).any():
        raise ValueError(f"cannot take {frame['a'].min()}")


def break_log(bench: Bench) -> None:
    """Put a directory in the place of the log."""
    bench.log.open()
    bench.path.rename(bench.path.with_suffix(".moved"))
    bench.path.mkdir()


def mend_log(bench: Bench) -> None:
    """Take the directory away; the next write makes a new log."""
    shutil.rmtree(bench.path)
