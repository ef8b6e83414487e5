"""A version that takes long to load holds up neither the start, nor other models, nor a stop."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from model_store.errors import RefusedError
from model_store.file_store import FileModelStore
from model_store.store import LoadedModel
from tests.api.conftest import SUM_ROW, NewSettings, Serve, sum_draft


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, threading.Event]]:
    """Return events by version of sum: to load such a version waits for its event."""
    events: dict[str, threading.Event] = {}
    load = FileModelStore.load

    def slowly(self: FileModelStore, model: str, version: str) -> LoadedModel:
        # Two models may have a version of one second, and so of one id.
        if model == "sum" and version in events:
            events[version].wait()
        return load(self, model, version)

    monkeypatch.setattr(FileModelStore, "load", slowly)
    yield events
    for event in events.values():
        event.set()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    while not holds():
        time.sleep(0.01)


def test_a_load_that_hangs_freezes_no_other_model(
    serve: Serve,
    store: FileModelStore,
    new_settings: NewSettings,
    slow: dict[str, threading.Event],
) -> None:
    """Another model is promoted meanwhile, and the old version answers; a metric shows it."""
    settings = new_settings(model_poll_seconds=0.01, model_name="sum")
    with serve(models=["sum", "fruit"], used=settings) as service:
        old = store.aliases("sum").current["champion"]
        hanging = store.publish(sum_draft(3))
        slow[hanging] = threading.Event()
        store.promote("sum", hanging)
        until(lambda: bool(service.samples("model_loading_seconds")))
        other = store.publish(sum_draft(7, "other"))
        store.promote("other", other)
        until(lambda: "other" in service.state.reloader.loaded_models.versions)
        assert service.predict(SUM_ROW, "/models/other/predict").json()["total"] == pytest.approx(
            15
        )
        assert service.predict(SUM_ROW).headers["x-model-version"] == old
        assert set(service.samples("model_loading_seconds")) == {
            ("model_loading_seconds", "sum", hanging)
        }
        # A version that was given up meanwhile is not swapped in when it has loaded at last.
        store.promote("sum", old)
        slow[hanging].set()
        until(lambda: not service.samples("model_loading_seconds"))
        service.state.reloader.refresh()
        assert service.predict(SUM_ROW).headers["x-model-version"] == old
        assert service.client.get("/health/ready").status_code == 200


@pytest.mark.slow  # waits for the end of a service
def test_a_load_that_hangs_holds_up_no_start_and_no_stop(
    serve: Serve,
    store: FileModelStore,
    new_settings: NewSettings,
    slow: dict[str, threading.Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Readiness says what is missing, and the version answers as soon as it has loaded."""
    monkeypatch.setattr("api.lifespan.START_SECONDS", 0.01)
    version = store.publish(sum_draft(3))
    store.promote("sum", version)
    slow[version] = threading.Event()
    settings = new_settings(model_poll_seconds=0.01)
    with serve(models=[], used=settings) as service:
        answer = service.client.get("/health/ready")
        assert answer.status_code == 503
        assert f"Version {version} of sum is being loaded" in answer.text
        assert service.predict(SUM_ROW).status_code == 503
        told: list[str] = []
        service.state.reloader.call_when_loaded(lambda: told.append("loaded"))
        assert told == []
        slow[version].set()
        until(lambda: service.client.get("/health/ready").status_code == 200)
        until(lambda: told == ["loaded"])
        service.state.reloader.call_when_loaded(lambda: told.append("never"))
        assert service.predict(SUM_ROW).json()["total"] == pytest.approx(7)
        slow[version].clear()
        again = store.publish(sum_draft(5))
        slow[again] = threading.Event()
        store.promote("sum", again)
        until(lambda: bool(service.samples("model_loading_seconds")))
    assert told == ["loaded"]


def test_a_refusal_that_is_found_again_is_reported_once(
    serve: Serve, store: FileModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried every minute; only another reason is another event."""
    with serve() as service:
        version = store.publish(sum_draft(3))
        store.promote("sum", version)
        reasons = iter(["bad", "bad", "worse"])

        def refused(*_: object) -> LoadedModel:
            raise RefusedError(next(reasons))

        monkeypatch.setattr(FileModelStore, "load", refused)
        for number in range(3):
            monkeypatch.setattr(
                "api.models.model_reloader.time.monotonic", lambda at=number: 60.0 * at
            )
            service.state.reloader.refresh()
        assert [event["reason"] for event in service.events("model-refused")] == ["bad", "worse"]
        counted = service.samples("model_reloads_total")
        assert counted["model_reloads_total", "sum", version, "refused"] == 3
