"""Defects of api/ as failing tests: move each into the file named beside it once it is mended."""

import asyncio
import sqlite3
from contextlib import closing

from api.engine import Engine
from model_store.file_store import FileModelStore
from tests.api.conftest import NewSettings, Serve
from tests.api.engine_bench import Bench, Held
from tests.api.test_lane import leave, return_of
from tests.api.test_model_watcher import champion


# test_lane.py
def test_a_thread_that_was_left_behind_ends_when_it_comes_back(new_settings: NewSettings) -> None:
    """Else a model that is often too slow would fill the memory with idle threads."""
    bench = Bench(new_settings())
    held = Held()

    async def scenario(engine: Engine) -> None:
        hanging = await held.occupied(engine)
        lane = engine.admit(held.model)
        await leave(hanging, lane)
        await return_of(held, lane)
        await asyncio.to_thread(held.threads[0].join, 5)
        assert not held.threads[0].is_alive()

    bench.run(scenario)


# test_model_watcher.py
def test_a_name_that_the_log_refuses_costs_no_other_model_its_view(
    serve: Serve, store: FileModelStore
) -> None:
    """`Sum` and `sum` clash; `total`, which comes after them, has nothing to do with it."""
    for model in ("Sum", "sum", "total"):
        champion(store, 2, model)
    with serve([]) as service, closing(sqlite3.connect(service.state.log.path)) as connection:
        views = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall()
        assert ("rows_total",) in views


# test_lane.py
def test_closing_does_not_wait_for_what_nobody_waits_for(new_settings: NewSettings) -> None:
    """The callers were cancelled by uvicorn by then, after the same `service_shutdown_seconds`."""
    bench = Bench(new_settings(service_shutdown_seconds=3600))
    held = Held()

    async def scenario(engine: Engine) -> None:
        hanging = await held.occupied(engine)
        lane = engine.admit(held.model)
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        closing_down = asyncio.create_task(engine.close())
        done, _ = await asyncio.wait([closing_down], timeout=2)
        await return_of(held, lane)
        await closing_down
        assert done

    bench.run(scenario)
