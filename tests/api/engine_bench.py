"""An engine without HTTP: the smallest world of batches."""

import asyncio
import shutil
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pandas as pd

from api.catalog import ServedModel
from api.engine import Answer, Engine, Job
from api.event_log import make_event_log
from api.metrics import Metrics
from api.settings import Settings
from monitoring.log_reader import LogReader
from monitoring.options import LogOptions
from monitoring.prediction_log import PredictionLog

Scenario = Callable[[Engine], Coroutine[Any, Any, None]]


class Bench:
    """An engine with what it needs, and what it left behind."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.stream = BytesIO()
        self.path = settings.local_data / "predictions.sqlite"
        self.log = PredictionLog(self.path, LogOptions(**options), lambda: datetime.now(UTC))

    def run(self, scenario: Scenario) -> None:
        """Run a scenario in an event loop, and close the engine after it."""

        async def main() -> None:
            events = make_event_log("debug", self.stream)
            engine = Engine(self.log, self.settings, metrics=self.metrics, events=events)
            try:
                await scenario(engine)
            finally:
                await engine.close()

        asyncio.run(main())

    @property
    def said(self) -> str:
        """Return the events."""
        return self.stream.getvalue().decode()

    @property
    def totals(self) -> dict[str, tuple[int, int]]:
        """Return requests and rows by outcome."""
        return {t.outcome: (t.requests, t.rows) for t in LogReader(self.path).totals()}

    def sample(self, name: str) -> float | None:
        """Return the value of a metric without labels."""
        return self.metrics.registry.get_sample_value(name)


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
        received=time.perf_counter(),
    )


async def outcomes(engine: Engine, *jobs: Job) -> list[Answer | BaseException]:
    """Ask all at once; return what each caller gets."""
    return await asyncio.gather(*map(engine.predict, jobs), return_exceptions=True)


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
