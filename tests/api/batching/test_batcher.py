"""Which requests share a batch, which fail alone, and that answers are logged first."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from api.batching.batch_queue import MAX_BATCH_ROWS
from api.batching.batcher import Batcher
from api.batching.prediction_job import Answer
from api.http.problems import (
    DeadlineExceeded,
    LogUnavailable,
    ModelFailed,
    Overloaded,
    Problem,
    Unavailable,
)
from model_store.schema.columns import Columns
from model_store.schema.prediction import Prediction
from model_store.schema.row_decoder import Rows
from monitoring.log.reading.reader import LogReader
from settings.settings import Settings
from tests.api.batching.batcher_bench import Bench, Held, new_job, outcomes, refuse_negative, until
from tests.api.conftest import Estimator, NewSettings, loaded, served


@pytest.fixture
def bench(settings: Settings) -> Bench:
    """Return the bench of a batcher."""
    return Bench(settings)


def test_requests_of_one_loop_iteration_share_a_call_and_a_transaction(bench: Bench) -> None:
    """Each caller gets its own rows back, and an object for an object."""
    estimator = Estimator()
    model = served(loaded(estimator))

    async def scenario(batcher: Batcher) -> None:
        jobs = [new_job(model, 1), new_job(model, 2, 3), new_job(model, 4, single=True)]
        answers = await outcomes(batcher, *jobs)
        assert answers == [
            Answer(b'[{"total":3.0}]', logged=True),
            Answer(b'[{"total":4.0},{"total":5.0}]', logged=True),
            Answer(b'{"total":6.0}', logged=True),
        ]

    bench.run(scenario)
    assert estimator.calls == [4]
    assert bench.sample("prediction_log_commit_seconds_count") == 1
    assert bench.sample("predict_batch_rows_sum") == 4
    assert bench.totals == {"answered": (3, 4)}


def test_requests_that_come_while_a_batch_is_answered_form_the_next_one(bench: Bench) -> None:
    """No request waits for a timer."""
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        first = await held.occupied(batcher)
        others = [batcher.submit(new_job(held.model, n)) for n in range(5)]
        await asyncio.sleep(0)
        assert bench.sample("predict_queue_depth") == 5
        held.released.set()
        await asyncio.gather(first, *others)

    bench.run(scenario)
    assert held.estimator.calls == [1, 5]
    assert bench.sample("predict_queue_depth") == 0


def test_a_batch_is_closed_once_it_is_full(bench: Bench) -> None:
    """No request waits long for the rows of others."""
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        first = await held.occupied(batcher)
        large = new_job(held.model, 1)
        large.rows = Rows(MAX_BATCH_ROWS, False, large.rows.cells * MAX_BATCH_ROWS)
        others = [batcher.submit(job) for job in (large, new_job(held.model, 2))]
        await asyncio.sleep(0)
        held.released.set()
        await asyncio.gather(first, *others)

    bench.run(scenario)
    assert held.estimator.calls == [1, MAX_BATCH_ROWS, 1]


def test_each_model_has_batches_of_its_own(bench: Bench) -> None:
    """Each has its own call and transaction; two versions of one model count as two models."""
    ones, twos = Estimator(), Estimator(lambda frame: np.full(len(frame), 7.0))
    one, two = served(loaded(ones)), served(loaded(twos, version="v2"))

    async def scenario(batcher: Batcher) -> None:
        jobs = [new_job(model, 1) for model in (one, two, one, two)]
        answers = await outcomes(batcher, *jobs)
        bodies = [answer.body for answer in answers if isinstance(answer, Answer)]
        assert bodies == [b'[{"total":3.0}]', b'[{"total":7.0}]'] * 2

    bench.run(scenario)
    assert (ones.calls, twos.calls) == ([2], [2])
    assert bench.sample("prediction_log_commit_seconds_count") == 2


def test_a_model_that_raises_fails_only_the_request_that_it_raised_for(bench: Bench) -> None:
    """Its neighbours are answered one by one; the failure is counted, and not logged as a row."""
    model = served(loaded(Estimator(refuse_negative)))

    async def scenario(batcher: Batcher) -> None:
        good, bad, also_good = await outcomes(
            batcher, new_job(model, 1), new_job(model, 5, -271828), new_job(model, 2)
        )
        assert (good, also_good) == (
            Answer(b'[{"total":3.0}]', logged=True),
            Answer(b'[{"total":4.0}]', logged=True),
        )
        assert isinstance(bad, ModelFailed)
        assert "271828" not in bytes(bad.response().body).decode()

    bench.run(scenario)
    assert bench.totals == {"answered": (2, 2), "failed": (1, 2)}
    assert LogReader(bench.path).check().holds
    assert bench.said.count("model-failed") == 1
    assert "ValueError" in bench.said
    assert '"reason":"The model raised' in bench.said
    # The id names its request; the exception's message, which quotes a value, is left out.
    assert "cannot take" not in bench.said


class Coin:
    """Answers 0 with the probabilities of two classes, where they are asked for."""

    classes = (0, 1)

    def predict(self, columns: Columns, *, probabilities: bool = False) -> Prediction:
        """Answer."""
        rows = len(columns["a"])
        return Prediction((np.zeros(rows),), np.full((rows, 2), 0.5) if probabilities else None)


def test_only_requests_that_ask_for_probabilities_get_them(bench: Bench) -> None:
    """They may share a batch with others, in any order."""
    model = served(loaded(Coin()))

    async def scenario(batcher: Batcher) -> None:
        jobs = [new_job(model, n, single=True) for n in range(4)]
        for job in jobs[1::2]:
            job.probabilities = True
        answers = await outcomes(batcher, *jobs)
        bodies = [answer.body for answer in answers if isinstance(answer, Answer)]
        shares = b'{"total":0.0,"probabilities":{"0":0.5,"1":0.5}}'
        assert bodies == [b'{"total":0.0}', shares] * 2

    bench.run(scenario)
    assert bench.sample("prediction_log_commit_seconds_count") == 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda frame: np.full(len(frame), np.nan),
        lambda frame: np.full(len(frame), np.inf),
        lambda frame: np.zeros(len(frame) + 1),
        lambda frame: np.zeros((len(frame), 2)),
        lambda frame: np.array(["text"] * len(frame)),
        lambda _: [[1], [2, 3]],
        lambda _: 7.0,
    ],
)
def test_an_invalid_answer_is_not_returned(
    bench: Bench, answer: Callable[[pd.DataFrame], Any]
) -> None:
    """Its request gets 500 for NaN, a wrong shape, or a label in place of a number."""
    model = served(loaded(Estimator(answer)))

    async def scenario(batcher: Batcher) -> None:
        (outcome,) = await outcomes(batcher, new_job(model, 1))
        assert isinstance(outcome, ModelFailed)

    bench.run(scenario)
    assert bench.totals == {"failed": (1, 1)}


def test_a_request_beyond_a_full_queue_gets_503(new_settings: NewSettings) -> None:
    """Its answer has `Retry-After`; the requests in the queue are answered."""
    bench = Bench(new_settings(predict_queue_requests=2))
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        first = await held.occupied(batcher)
        waiting = [batcher.submit(new_job(held.model, n)) for n in (1, 2)]
        await asyncio.sleep(0)
        (shed,) = await outcomes(batcher, new_job(held.model, 3))
        assert isinstance(shed, Overloaded)
        assert shed.response().status_code == 503
        assert shed.response().headers["retry-after"] == "1"
        held.released.set()
        assert len(await asyncio.gather(first, *waiting)) == 3

    bench.run(scenario)
    assert bench.totals == {"answered": (3, 3)}


def test_a_model_runs_in_a_thread_of_its_own(bench: Bench) -> None:
    """None of its code runs on the event loop; another model has another thread."""
    one, two = Held(), Held()

    async def scenario(batcher: Batcher) -> None:
        for model in (one.model, two.model) * 2:
            await batcher.submit(new_job(model, 1))

    bench.run(scenario)
    assert one.threads == [one.threads[0]] * 2
    assert len({one.threads[0], two.threads[0], threading.main_thread()}) == 3


def test_a_request_that_waited_too_long_gets_504(new_settings: NewSettings) -> None:
    """The late answer of the model is returned to nobody and counts as failed."""
    bench = Bench(new_settings(predict_timeout_seconds=0.05))
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        late, also_late = await outcomes(batcher, new_job(held.model, 0), new_job(held.model, 1, 2))
        for outcome in (late, also_late):
            assert isinstance(outcome, DeadlineExceeded)
            assert outcome.response().status_code == 504
        held.released.set()
        queue = batcher.admit(held.model)
        await until(lambda: queue.hung_threads == 0)

    bench.run(scenario)
    assert bench.totals == {"failed": (2, 3)}
    assert LogReader(bench.path).check().holds


def test_a_request_whose_caller_left_is_not_predicted(bench: Bench) -> None:
    """The next one is answered."""
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        first = await held.occupied(batcher)
        gone = batcher.submit(new_job(held.model, 1, 2))
        await asyncio.sleep(0)
        gone.cancel()
        held.released.set()
        await first
        await batcher.submit(new_job(held.model, 3))

    bench.run(scenario)
    assert held.estimator.calls == [1, 1]


def test_closing_answers_all_that_wait_and_refuses_the_rest(bench: Bench) -> None:
    """The rest get 503: a caller may send them again to the next service."""
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        tasks = [await held.occupied(batcher)]
        tasks.append(batcher.submit(new_job(held.model, 1)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        (refused,) = await outcomes(batcher, new_job(held.model, 2))
        assert isinstance(refused, Unavailable)
        held.released.set()
        assert all(answer.logged for answer in await asyncio.gather(*tasks))
        await closing

    bench.run(scenario)
    assert bench.totals == {"answered": (2, 2)}


def test_every_problem_of_the_batcher_has_a_sentence(bench: Bench) -> None:
    """Each has a status of 5xx as well, as none is the caller's fault."""
    kinds = (DeadlineExceeded, LogUnavailable, ModelFailed, Overloaded, Unavailable)
    assert all(issubclass(kind, Problem) and kind.status >= 500 for kind in kinds)
