"""An engine without HTTP: the smallest world of batches."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pandas as pd

from api.answering import Answering
from api.catalog import ServedModel
from api.engine import Engine
from api.event_log import make_event_log
from api.job import Answer, Job
from api.metrics import Metrics
from api.settings import Settings
from monitoring.log.options import LogOptions
from monitoring.log.prediction_log import PredictionLog
from monitoring.log.reader import LogReader
from tests.api.conftest import Estimator, loaded, served

PATIENCE_SECONDS = 120
"""How long a test waits for what comes at once, or never."""

Scenario = Callable[[Engine], Coroutine[Any, Any, None]]


class Bench:
    """An engine with what it needs, and what it left behind."""

    def __init__(self, settings: Settings, stream: BytesIO | None = None, **options: Any) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.stream = stream or BytesIO()
        self.path = settings.local_data / "predictions.sqlite"
        self.log = PredictionLog(self.path, LogOptions(**options), lambda: datetime.now(UTC))
        events = make_event_log("debug", self.stream)
        self.answering = Answering(self.log, settings, metrics=self.metrics, events=events)

    def run(self, scenario: Scenario) -> None:
        """Run a scenario in an event loop, and close the engine and the log after it."""

        async def main() -> None:
            engine = Engine(self.answering, self.settings, self.metrics)
            try:
                await scenario(engine)
            finally:
                await engine.close()

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

    async def occupied(self, engine: Engine) -> "asyncio.Future[Answer]":
        """Let a request occupy the lane of the model; return it."""
        task = engine.submit(new_job(self.model, 0))
        assert await asyncio.to_thread(self.entered.acquire, timeout=PATIENCE_SECONDS)
        return task


def new_job(model: ServedModel, *values: float, single: bool = False) -> Job:
    """Return a request with one row for each value of `a`; `b` is 1."""
    body = [f'{{"a":{value},"b":1}}' for value in values]
    text = (body[0] if single else f"[{','.join(body)}]").encode()
    return Job(
        model=model,
        rows=model.decoder.decode(text),
        body=text,
        request_id="-".join(str(value) for value in values),
        probabilities=False,
        arrived=datetime.now(UTC),
        received=time.perf_counter(),
    )


async def answer_of(engine: Engine, job: Job) -> Answer:
    """Ask, and return the answer."""
    return await engine.submit(job)


async def outcomes(engine: Engine, *jobs: Job) -> list[Answer | BaseException]:
    """Ask all at once; return what each caller gets."""
    return await asyncio.gather(*(answer_of(engine, job) for job in jobs), return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until something holds, which another thread brings about."""
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
