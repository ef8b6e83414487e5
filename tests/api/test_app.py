"""The app closes all that it opened at its start, also after a failure."""

import json
import os
from contextlib import closing
from io import BytesIO

import apsw
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.observe.structured_log import make_structured_log
from settings.factories import StartError
from settings.settings import Settings
from tests.api.conftest import SUM_ROW, GoneStream, NewSettings, Serve


class BrokenStream(BytesIO):
    """A stream that fails with an unexpected exception."""

    def write(self, _: object) -> int:
        """Fail."""
        raise MemoryError


def kinds_in_log(settings: Settings) -> list[str]:
    """Return the kinds of the events in the prediction log."""
    path = settings.local_data / "predictions.sqlite"
    with closing(apsw.Connection(str(path))) as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM events ORDER BY rowid")]


def test_start_and_stop_are_logged(serve: Serve, settings: Settings) -> None:
    """Both are events, and stand in the prediction log as well."""
    with serve() as service:
        pass
    events = [event["event"] for event in service.events()]
    assert (events[0], events[-1]) == ("start", "stop")
    kinds = kinds_in_log(settings)
    assert (kinds[0], kinds[-1]) == ("start", "stop")


def test_an_app_can_be_closed_and_opened_again(settings: Settings) -> None:
    """The first run removed all that it had registered."""
    app = create_app(settings, events=make_structured_log("info", BytesIO()))
    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/health/live").status_code == 200
            answer = client.get("/metrics", auth=("metrics", "metrics-secret"))
            assert "prediction_log_bytes" in answer.text


def test_a_service_whose_standard_output_is_gone_starts_and_answers(serve: Serve) -> None:
    """An answer needs the prediction log, not the events."""
    with serve(stream=GoneStream()) as service:
        assert service.predict(SUM_ROW).status_code == 200
        assert len(service.logged()) == 1


def test_a_second_service_on_one_log_is_refused(serve: Serve, settings: Settings) -> None:
    """The app keeps the sentence for its starter; the first service goes on answering."""
    with serve() as first:
        stream = BytesIO()
        second = create_app(settings, events=make_structured_log("info", stream))
        with pytest.raises(StartError), TestClient(second):
            pass
        assert f"process {os.getpid()}" in second.state.refusal
        (event,) = [json.loads(line) for line in stream.getvalue().splitlines()]
        assert (event["event"], event["reason"]) == ("start-refused", second.state.refusal)
        assert first.predict(SUM_ROW).status_code == 200
    with TestClient(second) as client:
        assert client.get("/health/ready").status_code == 200


def test_a_start_that_was_refused_leaves_no_lock(serve: Serve, settings: Settings) -> None:
    """In this test another file stands in the place of the log; it is not touched."""
    path = settings.local_data / "predictions.sqlite"
    path.parent.mkdir(parents=True)
    path.write_text("a diary, and no database at all")
    with pytest.raises(StartError), serve():
        pass
    assert path.read_text().startswith("a diary")
    path.unlink()
    with serve() as service:
        assert service.predict(SUM_ROW).status_code == 200


def test_a_start_that_failed_midway_leaves_no_lock(serve: Serve) -> None:
    """All that was open is closed."""
    with pytest.raises(MemoryError), serve(stream=BrokenStream()):
        pass
    with serve() as service:
        assert service.predict(SUM_ROW).status_code == 200


def test_a_service_starts_without_its_log_and_finds_it_later(
    serve: Serve, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not ready until then; the log records since when it can be written.

    In this test a folder stands in the place of the file that keeps a second service out.
    """
    monkeypatch.setattr("api.background.background_tasks.RECOVERY_SECONDS", 0.01)
    path = settings.local_data / "predictions.sqlite.lock"
    path.mkdir(parents=True)
    with serve() as service:
        assert service.client.get("/health/live").status_code == 200
        assert service.client.get("/health/ready").status_code == 503
        path.rmdir()
        assert any(service.client.get("/health/ready").status_code == 200 for _ in range(10_000))
        assert service.predict(SUM_ROW).status_code == 200
    assert kinds_in_log(settings) == ["log-writable", "stop"]


def test_an_unlogged_service_stops_like_any_other(serve: Serve, new_settings: NewSettings) -> None:
    """It logs an event that the prediction log could not record the stop."""
    with serve(used=new_settings(log_on_failure="serve")) as service:
        path = service.state.log.path
        path.rename(path.with_suffix(".moved"))
        path.mkdir()
        assert service.predict(SUM_ROW).headers["prediction-logged"] == "false"
    assert [event["kind"] for event in service.events("event-not-logged")] == ["stop"]
