"""What somebody adds to the app sees every request, predictions included."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app, from_environment
from api.http.problems import Forbidden, Problem
from api.observe.structured_log import make_structured_log
from api.server.fast_path import FastPath
from api.service import Service as App
from settings.settings import Settings
from tests.api.conftest import SUM_ROW, Service
from tests.api.server_process import process_of
from tests.api.wire import exchange, status_of

pytestmark = pytest.mark.slow  # every route under every layer, also of a real server

ORIGIN = "https://intranet.example"
TEAPOT = 418
Extend = Callable[[App], object]
Extended = Callable[[Extend], Service]


class RefuseAll:
    """An authentication of somebody's own that lets nobody in; plain ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self.wrapped = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is a request."""
        if scope["type"] == "http":
            await JSONResponse({"refused": True}, TEAPOT)(scope, receive, send)
        else:
            await self.wrapped(scope, receive, send)


async def refuse(_request: Request, _more: Any = None) -> JSONResponse:
    """Refuse a request: a middleware's dispatch, or the handler of an exception."""
    return JSONResponse({"refused": True}, TEAPOT)


def refuse_by_dependency() -> None:
    """Refuse a request."""
    raise Forbidden("A dependency refuses all.")


def wrap_stack(app: App) -> None:
    """Build the stack by hand, in a layer that hides what it wraps."""
    stack = app.build_middleware_stack()
    app.middleware_stack = RefuseAll(stack)


def wrap_routes(app: App) -> None:
    """Wrap what each route calls."""
    for route in app.router.routes:
        assert isinstance(route, APIRoute)
        route.app = RefuseAll(route.app)


def wrap_router(app: App) -> None:
    """Wrap what the router calls."""
    app.router.middleware_stack = RefuseAll(app.router.middleware_stack)


def mount_before(app: App) -> None:
    """Mount an app before all routes."""
    app.router.routes.insert(0, Mount("/", RefuseAll(FastAPI())))


REFUSING_SERVICE = """
import sys
import api.app
from mlops.__main__ import main
from starlette.responses import PlainTextResponse

class RefuseAll:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        refusal = PlainTextResponse("refused", 418)
        await (refusal if scope["type"] == "http" else self.app)(scope, receive, send)

create_app = api.app.create_app

def extended(*args, **options):
    app = create_app(*args, **options)
    PLACE
    return app

api.app.create_app = extended
del sys.argv[0]
main()
"""
"""Runs the service with something added to it that refuses all requests."""

REFUSING: list[Extend] = [
    lambda app: app.add_middleware(RefuseAll),
    lambda app: app.middleware("http")(refuse),
    lambda app: app.add_middleware(BaseHTTPMiddleware, dispatch=refuse),
    wrap_stack,
    wrap_routes,
    wrap_router,
    mount_before,
]


@pytest.fixture
def extended(published: Path, settings: Settings) -> Extended:
    """Make a service of the model `sum`, not started, to which something was added."""

    def extend(change: Extend) -> Service:
        folder = settings.local_data / "models" / "sum"
        shutil.copytree(published / "sum", folder, dirs_exist_ok=True)
        said = io.BytesIO()
        app = create_app(settings, events=make_structured_log("info", said))
        assert isinstance(app, App)
        change(app)
        return Service(app, settings, TestClient(app), said)

    return extend


@pytest.mark.parametrize("change", REFUSING)
def test_what_refuses_all_refuses_every_route(extended: Extended, change: Extend) -> None:
    """No route answers in another way, and one event says why they all take the longer one."""
    service = extended(change)
    with service.client:
        assert service.client.app_state["fast_path"] is None
        for method, path in every_route(service.settings):
            answer = service.client.request(method, path, json=SUM_ROW)
            assert (path, answer.status_code) == (path, TEAPOT)
        assert service.logged() == []
    assert len(service.events("fast-path-off")) == 1


def every_route(settings: Settings) -> list[tuple[str, str]]:
    """Return the method and a path of every route; they are listed from the app itself."""
    found = [
        (method, route.path.replace("{model}", "sum"))
        for route in create_app(settings).routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    ]
    assert len(found) > 10
    return found


def test_a_dependency_of_all_routes_is_asked_by_every_route(
    extended: Extended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FastAPI has it: one that is given to the app holds for predictions, too."""
    everywhere = partial(App, dependencies=[Depends(refuse_by_dependency)])
    monkeypatch.setattr("api.app.Service", everywhere)
    service = extended(lambda _: None)
    with service.client:
        for method, path in every_route(service.settings):
            answer = service.client.request(method, path, json=SUM_ROW)
            assert (path, answer.status_code) == (path, 403)
    assert len(service.events("fast-path-off")) == 1


@pytest.mark.parametrize("place", ["app.add_middleware(RefuseAll)", "app = RefuseAll(app)"])
def test_the_real_server_refuses_what_the_test_client_refuses(
    published: Path, tmp_path: Path, settings: Settings, place: str
) -> None:
    """Added to the app or around it: no request that comes whole is answered past it."""
    code = [sys.executable, "-c", REFUSING_SERVICE.replace("PLACE", place)]
    body = b'{"weight":60}'
    with process_of(tmp_path, published, prefix=code) as server:
        for method, path in every_route(settings):
            received = exchange(
                server,
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n".encode()
                + body,
            )
            assert (path, status_of(received)) == (path, TEAPOT)
        # At its end, a service writes the events that it has not written yet.
        server.stop()
    events = [json.loads(line) for line in (tmp_path / "events").read_bytes().splitlines()]
    assert [event["event"] for event in events].count("fast-path-off") == 1


def test_added_middleware_sees_predictions(extended: Extended) -> None:
    """Its header is on the answer, which is logged and counted as any other."""
    service = extended(lambda app: app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN]))
    with service.client:
        answer = service.predict([SUM_ROW], headers={"origin": ORIGIN})

        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.json() == [{"total": pytest.approx(5)}]
        assert len(service.logged()) == 1
        counted = service.samples("http_requests_total")
    assert counted["http_requests_total", "POST", "/predict", "200"] == 1
    [event] = service.events("fast-path-off")
    assert event["reason"] == "Middleware was added: CORSMiddleware."


def test_middleware_that_passes_on_changes_no_answer(extended: Extended) -> None:
    """Good, refused and unknown requests are answered as by an app that is as it came."""
    seen = []

    async def pass_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
        seen.append(request.method)
        return await call_next(request)

    sent = {"content-type": "application/json"}
    asked: list[tuple[str, str, bytes, dict[str, str]]] = [
        ("POST", "/predict", b'{"a":1,"b":2}', {}),
        ("POST", "/models/sum/predict", b'[{"a":1,"b":2}]', {"x-request-id": "mine"}),
        ("POST", "/predict", b"[", {}),
        ("POST", "/predict", b'{"a":"x"}', {}),
        ("POST", "/predict", b"{}", {"content-type": "text/plain"}),
        ("POST", "/predict", b"{}", {"host": "evil.example"}),
        ("POST", "/predict", b"{}", {"sec-fetch-site": "cross-site"}),
        ("POST", "/models/none/predict", b"{}", {}),
        ("POST", "/feedback", b'[{"request_id":"mine","row":0,"value":5}]', {}),
        ("POST", "/business-metrics", b'{"unknown":1}', {}),
        ("GET", "/models", b"", {}),
        ("HEAD", "/models/sum", b"", {}),
        ("DELETE", "/predict", b"", {}),
        ("GET", "/none", b"", {}),
        ("GET", "/metrics", b"", {}),
    ]
    answers: list[list[tuple[str, int, bytes, set[str]]]] = []
    for change in (lambda _: None, lambda app: app.middleware("http")(pass_on)):
        service = extended(change)
        with service.client:
            found = [
                (path, service.client.request(method, path, content=content, headers=sent | own))
                for method, path, content, own in asked
            ]
        answers.append([(path, a.status_code, a.content, set(a.headers)) for path, a in found])
    assert answers[0] == answers[1]
    # Those of another host, or of another site, come no further than the outermost layer.
    assert len(seen) == len(asked) - 2


def test_a_handler_of_problems_answers_refused_predictions(extended: Extended) -> None:
    """Its form of an error is that of every route."""
    service = extended(lambda app: app.add_exception_handler(Problem, refuse))
    with service.client:
        assert service.predict(b"[").status_code == TEAPOT
        assert service.predict(SUM_ROW).status_code == 200
    assert len(service.events("fast-path-off")) == 1


def test_a_tool_that_replaces_the_framework_sees_predictions(
    extended: Extended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some tools of error reporting wrap how each app of Starlette is called."""
    seen = []
    call = Starlette.__call__

    async def traced(app: Starlette, scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])
        await call(app, scope, receive, send)

    monkeypatch.setattr(Starlette, "__call__", traced)
    service = extended(lambda _: None)
    with service.client:
        seen.clear()
        assert service.predict(SUM_ROW).status_code == 200
    assert seen[0] == "http"
    assert len(service.events("fast-path-off")) == 1


def test_a_class_of_its_own_sees_predictions(extended: Extended) -> None:
    """A derived class may serve in another way."""

    class Derived(App):
        async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
            await RefuseAll(super().framework)(scope, receive, send)

    service = extended(lambda app: setattr(app, "__class__", Derived))
    assert isinstance(service.app, App)
    assert len(service.app.additions()) == 1


def test_open_telemetry_reports_every_request(extended: Extended) -> None:
    """The real instrumentation, added by its own call, continues the trace of the caller."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    service = extended(
        lambda app: FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    )
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    try:
        with service.client:
            headers = {"traceparent": f"00-{trace}-{parent}-01"}
            assert service.predict(SUM_ROW, headers=headers).status_code == 200
            assert service.predict(b"[", headers=headers).status_code == 400
            assert service.client.get("/models", headers=headers).status_code == 200
    finally:
        FastAPIInstrumentor.uninstrument_app(service.app)
    spans = [span for span in exporter.get_finished_spans() if span.kind.name == "SERVER"]
    assert [span.name for span in spans] == ["POST /predict", "POST /predict", "GET /models"]
    assert {f"{span.context.trace_id:032x}" for span in spans if span.context} == {trace}
    assert {f"{span.parent.span_id:016x}" for span in spans if span.parent} == {parent}
    [event] = service.events("fast-path-off")
    assert "OpenTelemetryMiddleware" in event["reason"]


def test_the_telemetry_of_the_framework_sees_predictions(
    extended: Extended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastAPI traces requests itself as soon as it finds a provider."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traced = partial(App, telemetry={"tracer_provider": provider})
    monkeypatch.setattr("api.app.Service", traced)
    service = extended(lambda _: None)
    with service.client:
        assert service.predict(SUM_ROW).status_code == 200
    assert "POST /predict" in [span.name for span in exporter.get_finished_spans()]
    [event] = service.events("fast-path-off")
    assert "OpenTelemetry" in event["reason"]


def test_an_app_that_is_as_it_came_has_a_fast_path(service: Service) -> None:
    """Nothing was added, so nothing is passed by."""
    assert isinstance(service.client.app_state["fast_path"], FastPath)
    assert service.events("fast-path-off") == []


def test_an_override_extends_the_app_while_it_runs(service: Service) -> None:
    """FastAPI reads overrides at each request, and so do the shortcuts."""
    assert isinstance(service.app, App)
    fast_path: FastPath = service.client.app_state["fast_path"]
    usual = (b"/predict", {b"host": b"localhost", b"content-type": b"application/json"})
    for _ in range(2):
        assert service.app.additions() == []
        assert service.app.shortcut("/predict")
        assert fast_path.target(*usual)
        service.app.dependency_overrides[object] = object
        assert service.app.additions() == ["A dependency is overridden."]
        assert service.app.shortcut("/predict") is None
        assert fast_path.target(*usual) is None
        assert service.predict(SUM_ROW).status_code == 200
        service.app.dependency_overrides = {}


def test_the_template_of_a_path_is_no_path(service: Service) -> None:
    """It is answered as any other name that no model has."""
    assert service.predict(SUM_ROW, "/models/{model}/predict").status_code == 404


def test_the_app_can_be_made_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """That is what `uvicorn --factory` calls."""
    monkeypatch.setenv("LOCAL_DATA", str(tmp_path))
    with TestClient(from_environment()) as client:
        assert client.get("/health/live").status_code == 200
    assert (tmp_path / "predictions.sqlite").exists()
