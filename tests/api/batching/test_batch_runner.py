"""An answer leaves once it is logged; every failure on the way is reported."""

import asyncio
import json
from contextlib import closing
from datetime import datetime
from typing import Any

import apsw
import pandas as pd
import pytest

from api.batching.batcher import Batcher
from api.batching.prediction_job import Answer
from api.http.problems import InternalError, LogUnavailable, ModelFailed
from settings.settings import Settings
from tests.api.batching.batcher_bench import (
    Bench,
    break_log,
    mend_log,
    new_job,
    outcomes,
    refuse_negative,
)
from tests.api.conftest import Estimator, GoneStream, NewSettings, loaded, served


@pytest.fixture
def bench(settings: Settings) -> Bench:
    """Return the bench of a batcher."""
    return Bench(settings)


def test_an_answer_that_cannot_be_logged_is_not_given(bench: Bench) -> None:
    """The caller gets 503 `log-unavailable` until the log can be written again."""
    model = served(loaded(Estimator()))

    async def scenario(batcher: Batcher) -> None:
        break_log(bench)
        for outcome in await outcomes(batcher, new_job(model, 1), new_job(model, 2)):
            assert isinstance(outcome, LogUnavailable)
            assert outcome.response().headers["retry-after"] == "1"
        assert "is no file" in bench.batch_runner.log_failure
        mend_log(bench)
        assert (await batcher.submit(new_job(model, 3))).logged
        assert bench.batch_runner.log_failure == ""

    bench.run(scenario)
    assert bench.sample("prediction_log_failures_total") == 1
    assert bench.said.count('"event":"log-unavailable"') == 1
    assert bench.totals == {"answered": (1, 1)}


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, '"inputs":"[{\\"a\\":271828,\\"b\\":1}]"'),
        ({"keep": "none"}, '"inputs":null'),
        ({"keep": "hashed", "key": b"0123456789abcdef"}, "hmac:"),
        ({"personal_fields": frozenset({"a"}), "key": b"0123456789abcdef"}, "hmac:"),
    ],
    ids=str,
)
def test_an_unlogged_answer_is_written_as_an_event(
    new_settings: NewSettings, options: dict[str, Any], kept: str
) -> None:
    """The answer is marked; the event holds what the log would have held, and no more."""
    bench = Bench(new_settings(log_on_failure="serve"), **options)
    model = served(loaded(Estimator()))

    async def scenario(batcher: Batcher) -> None:
        break_log(bench)
        answer = await batcher.submit(new_job(model, 271828))
        assert answer == Answer(b'[{"total":271830.0}]', logged=False)
        assert "is no file" in bench.batch_runner.log_failure
        mend_log(bench)
        assert (await batcher.submit(new_job(model, 3))).logged

    bench.run(scenario)
    (line,) = [line for line in bench.said.splitlines() if "unlogged-prediction" in line]
    # No level filters an error out: the line is the only record.
    assert json.loads(line)["level"] == "error"
    assert kept in line
    # The id of the request says 271828 too, as an id may.
    clear = [part for part in line.split(",") if "271828" in part and "request_id" not in part]
    assert bool(clear) is (not options)
    assert bench.sample("prediction_log_failures_total") == 1
    labels = {"model": "sum", "version": "v1"}
    unlogged = bench.metrics.registry.get_sample_value("predict_unlogged_total", labels)
    assert unlogged == 1
    assert bench.totals == {"answered": (1, 1)}


def test_a_failure_of_the_model_is_returned_although_the_log_fails_too(bench: Bench) -> None:
    """The caller gets the error that would come again, not the one that may pass."""
    model = served(loaded(Estimator(refuse_negative)))

    async def scenario(batcher: Batcher) -> None:
        break_log(bench)
        (outcome,) = await outcomes(batcher, new_job(model, -1))
        assert isinstance(outcome, ModelFailed)

    bench.run(scenario)


def test_a_log_that_failed_is_retried_without_a_prediction(bench: Bench) -> None:
    """The retry writes an event with the cause, which the log holds once it can be written."""
    break_log(bench)
    bench.batch_runner.log_failure = "disk full"
    bench.batch_runner.try_log()
    assert "is no file" in bench.batch_runner.log_failure
    mend_log(bench)
    bench.batch_runner.log_failure = "disk full"
    bench.batch_runner.try_log()
    assert bench.batch_runner.log_failure == ""
    bench.log.close()
    with closing(apsw.Connection(str(bench.path))) as connection:
        found = connection.execute("SELECT detail FROM events WHERE kind = 'log-writable'")
        assert [json.loads(detail) for (detail,) in found] == [{"after": "disk full"}]


@pytest.mark.parametrize(
    "kind", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, MemoryError]
)
def test_an_exception_of_a_model_fails_its_own_request_only(
    bench: Bench, kind: type[BaseException]
) -> None:
    """The exception ends neither the thread nor the service."""

    def refuse(frame: pd.DataFrame) -> None:
        if (frame["a"] < 0).any():
            raise kind("xyzzy")

    model = served(loaded(Estimator(refuse)))

    async def scenario(batcher: Batcher) -> None:
        for good, bad in [(1, -1), (2, -2)]:
            right, wrong = await outcomes(batcher, new_job(model, good), new_job(model, bad))
            assert isinstance(right, Answer)
            assert isinstance(wrong, ModelFailed)

    bench.run(scenario)
    assert bench.totals == {"answered": (2, 2), "failed": (2, 2)}
    assert bench.said.count('"event":"model-failed"') == 2
    assert "xyzzy" not in bench.said


def test_a_fault_of_the_service_leaves_nobody_waiting(bench: Bench) -> None:
    """Its batch gets 500 and an event is logged; the next batch is answered."""
    model = served(loaded(Estimator()))

    async def scenario(batcher: Batcher) -> None:
        odd = new_job(model, 1)
        # The log refuses a time without a zone.
        odd.arrived = datetime(2026, 1, 1)  # noqa: DTZ001
        for outcome in await outcomes(batcher, odd, new_job(model, 2)):
            assert isinstance(outcome, InternalError)
            assert outcome.response().status_code == 500
        assert (await batcher.submit(new_job(model, 3))).logged

    bench.run(scenario)
    assert bench.said.count('"event":"batch-failed"') == 1
    assert bench.totals == {"answered": (1, 1)}


def test_a_failure_that_cannot_be_logged_does_not_stop_the_batcher(settings: Settings) -> None:
    """Without standard output events are lost, but requests are answered."""
    bench = Bench(settings, GoneStream())
    model = served(loaded(Estimator(refuse_negative)))

    async def scenario(batcher: Batcher) -> None:
        (bad,) = await outcomes(batcher, new_job(model, -1))
        (good,) = await outcomes(batcher, new_job(model, 1))
        assert isinstance(bad, ModelFailed)
        assert isinstance(good, Answer)

    bench.run(scenario)
    assert bench.totals == {"answered": (1, 1), "failed": (1, 1)}
