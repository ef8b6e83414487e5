"""Middleware that somebody adds to the app sees every request, predictions included."""

import io
import shutil
from pathlib import Path

import pytest
from starlette.middleware.cors import CORSMiddleware
from starlette.testclient import TestClient

from api.app import create_app, from_environment
from api.observe.structured_log import make_structured_log
from api.server.fast_path import FastPath
from api.service import Service as App
from settings.settings import Settings
from tests.api.conftest import SUM_ROW, Service

ORIGIN = "https://intranet.example"


@pytest.fixture
def extended(published: Path, settings: Settings) -> Service:
    """Return a service of the model `sum`, not started, that answers pages of another origin."""
    shutil.copytree(published / "sum", settings.local_data / "models" / "sum")
    said = io.BytesIO()
    app = create_app(settings, events=make_structured_log("info", said))
    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN])
    return Service(app, settings, TestClient(app), said)


def test_added_middleware_sees_predictions(extended: Service) -> None:
    """Its header is on the answer, which is logged and counted as any other."""
    with extended.client:
        answer = extended.predict([SUM_ROW], headers={"origin": ORIGIN})

        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.json() == [{"total": pytest.approx(5)}]
        assert len(extended.logged()) == 1
        counted = extended.samples("http_requests_total")
    assert counted["http_requests_total", "POST", "/predict", "200"] == 1


def test_an_extended_app_has_no_fast_path_and_says_so(extended: Service) -> None:
    """What answers on the connection would pass the middleware by."""
    with extended.client:
        assert extended.client.app_state["fast_path"] is None
    assert len(extended.events("fast-path-off")) == 1


def test_an_app_that_is_as_it_came_has_one(service: Service) -> None:
    """Nothing was added, so nothing is passed by."""
    assert isinstance(service.client.app_state["fast_path"], FastPath)
    assert service.events("fast-path-off") == []


def test_an_override_extends_the_app(service: Service) -> None:
    """FastAPI reads overrides at each request, and the shortcuts do not."""
    assert isinstance(service.app, App)
    assert not service.app.is_extended
    service.app.dependency_overrides[object] = object
    assert service.app.is_extended


def test_the_app_can_be_made_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """That is what `uvicorn --factory` calls."""
    monkeypatch.setenv("LOCAL_DATA", str(tmp_path))
    with TestClient(from_environment()) as client:
        assert client.get("/health/live").status_code == 200
    assert (tmp_path / "predictions.sqlite").exists()
