"""A model that hangs fails its own requests and delays no others."""

import asyncio
import gc
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest

from api.batching.batch_queue import MAX_HUNG_THREADS, BatchQueue
from api.batching.batcher import Batcher
from api.batching.prediction_job import Answer
from api.http.problems import DeadlineExceeded, Unavailable
from api.models.loaded_models import ServedModel
from model_store.schema.columns import Columns
from model_store.schema.prediction import Prediction
from settings.settings import Settings
from tests.api.batching.batcher_bench import PATIENCE_SECONDS, Bench, Held, new_job, outcomes, until
from tests.api.conftest import Estimator, NewSettings, loaded, served

THREE = Answer(b'[{"total":3.0}]', logged=True)


@pytest.fixture
def bench(settings: Settings) -> Bench:
    """Return the bench of a batcher."""
    return Bench(settings)


@pytest.fixture
def impatient(new_settings: NewSettings) -> Bench:
    """Return the bench of a batcher whose callers give up at once."""
    return Bench(new_settings(predict_timeout_seconds=0.05))


async def leave(task: "asyncio.Future[Answer]", queue: BatchQueue) -> None:
    """Let the caller of a request that hangs give up."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    queue.give_up()


async def return_of(held: Held, queue: BatchQueue) -> None:
    """Release the model that hangs, and wait until all of its threads have come back."""
    held.released.set()
    await until(lambda: queue.hung_threads == 0 and not queue.busy)


def test_another_model_answers_while_one_hangs(bench: Bench) -> None:
    """Each model has a queue of its own; the request that hangs is answered late."""
    held = Held()
    other = served(loaded(Estimator(), model="other"))

    async def scenario(batcher: Batcher) -> None:
        hanging = await held.occupied(batcher)
        assert await batcher.submit(new_job(other, 1)) == THREE
        assert not hanging.done()
        held.released.set()
        assert (await hanging).logged

    bench.run(scenario)
    assert bench.totals == {"answered": (2, 2)}


def test_the_next_request_of_a_model_that_hung_is_answered_by_a_new_thread(bench: Bench) -> None:
    """So is a request that waited behind it; the thread that hangs is left behind."""
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        hanging = await held.occupied(batcher)
        waiting = batcher.submit(new_job(held.model, 1))
        await asyncio.sleep(0)
        queue = batcher.admit(held.model)
        await leave(hanging, queue)
        assert await waiting == THREE
        assert await batcher.submit(new_job(held.model, 1)) == THREE
        assert queue.hung_threads == 1
        await return_of(held, queue)

    bench.run(scenario)
    old, new, same = held.threads
    assert old is not new
    assert new is same


def test_a_batch_that_somebody_waits_for_is_not_left_behind(bench: Bench) -> None:
    """One of its two callers has left; the other one is answered."""
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        jobs = [new_job(held.model, value) for value in (0, 1)]
        gone, patient = [batcher.submit(job) for job in jobs]
        assert await asyncio.to_thread(held.entered.acquire, timeout=PATIENCE_SECONDS)
        queue = batcher.admit(held.model)
        await leave(gone, queue)
        assert queue.hung_threads == 0
        held.released.set()
        assert await patient == THREE

    bench.run(scenario)
    assert bench.totals == {"answered": (1, 1), "failed": (1, 1)}


def test_a_model_that_hangs_again_and_again_is_refused_at_once(impatient: Bench) -> None:
    """Callers get 504 while there are threads to leave behind, then 503; other models answer."""
    held = Held()
    other = served(loaded(Estimator(), model="other"))

    async def scenario(batcher: Batcher) -> None:
        queue = batcher.admit(held.model)
        for _ in range(MAX_HUNG_THREADS):
            (late,) = await outcomes(batcher, new_job(held.model, 0))
            assert isinstance(late, DeadlineExceeded)
        (refused,) = await outcomes(batcher, new_job(held.model, 0))
        assert isinstance(refused, Unavailable)
        assert "Roll back" in refused.detail
        assert batcher.admit(other).hung_threads == 0
        await return_of(held, queue)

    impatient.run(scenario)


def test_a_model_that_comes_back_is_admitted_again(impatient: Bench) -> None:
    """Late answers are counted as failed and returned to nobody."""
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        queue = batcher.admit(held.model)
        for _ in range(MAX_HUNG_THREADS):
            await outcomes(batcher, new_job(held.model, 0))
        await return_of(held, queue)
        assert batcher.admit(held.model) is queue

    impatient.run(scenario)
    assert impatient.totals == {"failed": (MAX_HUNG_THREADS, MAX_HUNG_THREADS)}


@pytest.mark.slow  # the least time that a service may be given to stop
def test_closing_leaves_a_hanging_thread_behind(new_settings: NewSettings) -> None:
    """It does so after the time limit; a caller that still waits is not answered."""
    bench = Bench(new_settings(service_shutdown_seconds=1))
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        hanging = await held.occupied(batcher)
        queue = batcher.admit(held.model)
        await batcher.close()
        assert not hanging.done()
        assert held.threads[0].daemon
        hanging.cancel()
        await return_of(held, queue)

    bench.run(scenario)


def test_a_closed_batcher_leaves_no_thread(bench: Bench) -> None:
    """That holds for a model that answers."""
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        assert await batcher.submit(new_job(held.model, 1)) == THREE

    bench.run(scenario)
    held.threads[0].join(PATIENCE_SECONDS)
    assert not held.threads[0].is_alive()


def test_a_model_that_was_replaced_leaves_memory_and_its_thread(bench: Bench) -> None:
    """Both go as soon as its last request is answered."""
    threads: list[threading.Thread] = []
    model = served(loaded(Estimator(lambda _: threads.append(threading.current_thread()))))
    models = [model]
    alive = weakref.ref(model)
    del model

    async def scenario(batcher: Batcher) -> None:
        await batcher.submit(new_job(models.pop(), 1))
        gc.collect()
        await until(lambda: alive() is None)
        await asyncio.to_thread(threads[0].join, PATIENCE_SECONDS)
        assert not threads[0].is_alive()

    bench.run(scenario)


def test_a_thread_that_was_left_behind_ends_when_it_comes_back(new_settings: NewSettings) -> None:
    """Otherwise a model that is often too slow would fill the memory with idle threads."""
    bench = Bench(new_settings())
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        hanging = await held.occupied(batcher)
        queue = batcher.admit(held.model)
        await leave(hanging, queue)
        await return_of(held, queue)
        await asyncio.to_thread(held.threads[0].join, 5)
        assert not held.threads[0].is_alive()

    bench.run(scenario)


def test_closing_does_not_wait_for_requests_without_a_caller(new_settings: NewSettings) -> None:
    """Uvicorn has cancelled their callers by then, after the same `service_shutdown_seconds`."""
    bench = Bench(new_settings(service_shutdown_seconds=3600))
    held = Held()

    async def scenario(batcher: Batcher) -> None:
        hanging = await held.occupied(batcher)
        queue = batcher.admit(held.model)
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        closing_down = asyncio.create_task(batcher.close())
        done, _ = await asyncio.wait([closing_down], timeout=2)
        await return_of(held, queue)
        await closing_down
        assert done

    bench.run(scenario)


class Threads:
    """A predictor that remembers in which thread it was called."""

    classes = ()

    def __init__(self) -> None:
        self.seen: list[threading.Thread] = []

    def predict(self, columns: Columns, *, probabilities: bool = False) -> Prediction:
        """Return zeros."""
        self.seen.append(threading.current_thread())
        return Prediction((np.zeros(len(columns["a"])),), None)


def compiled(predictor: Threads) -> ServedModel:
    """Return a model that counts as compiled."""
    return served(replace(loaded(predictor), form="compiled"))


async def answered(batcher: Batcher, model: ServedModel, count: int) -> None:
    """Answer some requests, one after the other."""
    for _ in range(count):
        assert (await batcher.submit(new_job(model, 1))).logged


@pytest.fixture
def _every_batch_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    # How long a batch takes here depends on the machine; these tests must not.
    monkeypatch.setattr("api.batching.batch_queue.ON_LOOP_SECONDS", 3600.0)


@pytest.mark.usefixtures("_every_batch_is_short")
def test_short_batches_of_a_compiled_model_are_answered_on_the_loop(bench: Bench) -> None:
    """All are but the first, for which there is no estimate yet."""
    predictor = Threads()
    bench.run(lambda batcher: answered(batcher, compiled(predictor), 3))
    first, *others = predictor.seen
    assert first is not threading.main_thread()
    assert others == [threading.main_thread()] * 2
    assert bench.totals == {"answered": (3, 3)}


@pytest.mark.usefixtures("_every_batch_is_short")
def test_an_estimator_is_never_called_on_the_loop(bench: Bench) -> None:
    """It may hang, and would block all requests."""
    predictor = Threads()
    bench.run(lambda batcher: answered(batcher, served(loaded(predictor)), 3))
    assert threading.main_thread() not in predictor.seen


def test_batches_that_take_too_long_are_not_answered_on_the_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That holds for a compiled model too."""
    monkeypatch.setattr("api.batching.batch_queue.ON_LOOP_SECONDS", 0.0)
    predictor = Threads()
    bench.run(lambda batcher: answered(batcher, compiled(predictor), 3))
    assert threading.main_thread() not in predictor.seen


@pytest.mark.usefixtures("_every_batch_is_short")
def test_nothing_is_answered_on_the_loop_while_a_commit_waits_for_the_disk(
    settings: Settings,
) -> None:
    """With durability `full` every commit does."""
    bench = Bench(settings, durability="full")
    predictor = Threads()
    bench.run(lambda batcher: answered(batcher, compiled(predictor), 3))
    assert threading.main_thread() not in predictor.seen


@pytest.mark.usefixtures("_every_batch_is_short")
def test_a_batch_on_the_loop_holds_no_more_rows_than_it_has_time_for(bench: Bench) -> None:
    """There is no estimate for many rows here, so two requests of 30 rows share a batch."""
    predictor = Threads()
    model = compiled(predictor)

    async def scenario(batcher: Batcher) -> None:
        await answered(batcher, model, 2)
        await outcomes(batcher, *(new_job(model, *range(1, 31)) for _ in range(4)))

    bench.run(scenario)
    assert len(predictor.seen) == 2 + 2
