"""Every request is counted, timed and logged once, whether it succeeds or fails."""

import asyncio
import json
from collections.abc import MutableMapping
from io import BytesIO
from typing import Any
from unittest.mock import Mock

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.http.request_middleware import CLIENT_LEFT, RequestMiddleware
from api.http.request_rules import RequestRules
from api.observe.metrics import Metrics
from api.observe.structured_log import make_structured_log
from settings.settings import Settings
from tests.api.conftest import SUM_ROW, Service


class Outside:
    """A server around an app: it calls the app and keeps its messages and events."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.stream = BytesIO()
        self.sent: list[MutableMapping[str, Any]] = []

    def call(self, app: Any, method: str = "GET", headers: Any = ()) -> dict[str, Any]:
        """Send one request through the middleware; return its access line."""
        events = make_structured_log("debug", self.stream)
        layer = RequestMiddleware(
            app,
            metrics=self.metrics,
            events=events,
            rules=RequestRules(Settings(service_allowed_hosts=("*",))),
            routes=Mock(shortcut=lambda _: None),
        )
        scope = {"type": "http", "method": method, "path": "/xyzzy", "headers": list(headers)}
        asyncio.run(layer(scope, self._receive, self._send))
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        (line,) = [line for line in lines if line["event"] == "request"]
        return dict(line)

    async def _receive(self) -> Message:
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


async def _raises(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("xyzzy")


async def _raises_midway(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError("xyzzy")


async def _says_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    return


async def _answers(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body"})


async def _is_cancelled(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise asyncio.CancelledError


def test_an_exception_becomes_a_problem_without_its_message() -> None:
    """The problem has the request id; type and place of the exception are logged."""
    outside = Outside()
    line = outside.call(_raises)
    assert line["status"] == 500
    body = json.loads(outside.sent[1]["body"])
    assert body["type"] == "urn:problem:internal-error"
    assert line["request_id"] in body["detail"]
    events = outside.stream.getvalue().decode()
    assert '"exception":"ValueError"' in events
    assert "_raises" in events
    assert "xyzzy" not in events


def test_an_exception_midway_ends_the_answer() -> None:
    """No second answer can begin; the access line has the status that was sent."""
    outside = Outside()
    assert outside.call(_raises_midway)["status"] == 200
    assert [message["type"] for message in outside.sent] == ["http.response.start"]


def test_a_request_without_an_answer_is_recorded_as_499() -> None:
    """Its caller has left; there is no other reason for a request without an answer."""
    assert Outside().call(_says_nothing)["status"] == CLIENT_LEFT


def test_a_cancelled_request_is_recorded_too() -> None:
    """The server cancels what is in flight when it must stop."""
    outside = Outside()
    with pytest.raises(asyncio.CancelledError):
        outside.call(_is_cancelled)
    assert f'"status":{CLIENT_LEFT}' in outside.stream.getvalue().decode()


def test_a_request_is_counted_and_timed_once() -> None:
    """A path without a route is counted as `unmatched`, as a path may hold any text."""
    outside = Outside()
    outside.call(_answers)
    labels = {"method": "GET", "route": "unmatched", "status": "204"}
    for name in ("http_requests_total", "http_request_duration_seconds_count"):
        assert outside.metrics.registry.get_sample_value(name, labels) == 1
    assert "xyzzy" not in outside.stream.getvalue().decode()


def test_an_unknown_method_is_no_label() -> None:
    """Otherwise any caller could make endless series."""
    assert Outside().call(_answers, method="XYZZY")["method"] == "other"


def test_the_first_safe_request_id_is_taken() -> None:
    """The answer has it once."""
    outside = Outside()
    line = outside.call(_answers, headers=[(b"x-request-id", b"one"), (b"x-request-id", b"two")])
    assert line["request_id"] == "one"
    assert [header for header in outside.sent[0]["headers"] if header[0] == b"x-request-id"] == [
        (b"x-request-id", b"one")
    ]


def test_the_lifespan_passes_through() -> None:
    """The lifespan is no request."""
    outside = Outside()
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    layer = RequestMiddleware(
        app,
        metrics=outside.metrics,
        events=make_structured_log("debug", outside.stream),
        rules=RequestRules(Settings()),
        routes=Mock(),
    )
    asyncio.run(layer({"type": "lifespan"}, outside._receive, outside._send))  # noqa: SLF001
    assert seen == ["lifespan"]
    assert outside.stream.getvalue() == b""


def test_routes_are_labelled_by_their_templates(service: Service) -> None:
    """Names in paths make no new series."""
    service.predict(SUM_ROW)
    service.predict(SUM_ROW, "/models/sum/predict")
    service.predict(SUM_ROW, "/models/other/predict")
    service.client.get("/models/sum")
    service.client.get("/docs/xyzzy")
    service.client.get("/xyzzy")
    counted = service.samples("http_requests_total")
    assert {labels[1:]: value for labels, value in counted.items()} == {
        ("POST", "/predict", "200"): 1,
        ("POST", "/models/{model}/predict", "200"): 1,
        ("POST", "/models/{model}/predict", "404"): 1,
        ("GET", "/models/{model}", "200"): 1,
        ("GET", "/docs/{name}", "404"): 1,
        ("GET", "unmatched", "404"): 1,
    }


def test_a_wrong_method_is_counted_by_its_route(service: Service) -> None:
    """That holds as well for the routes that decode their own bodies."""
    service.client.get("/predict")
    service.client.put("/models/sum/predict")
    service.client.post("/health/live")
    assert {labels[1:] for labels in service.samples("http_requests_total")} == {
        ("GET", "/predict", "405"),
        ("PUT", "/models/{model}/predict", "405"),
        ("POST", "/health/live", "405"),
    }


def test_a_caller_that_leaves_midway_is_not_an_error(service: Service) -> None:
    """The request is recorded as 499, without an error and without a rejection."""
    sent = service.exchange(
        {"type": "http.request", "body": b"[", "more_body": True}, {"type": "http.disconnect"}
    )
    assert sent == []
    (line,) = service.events("request")
    assert line["status"] == CLIENT_LEFT
    assert [event for event in service.events() if event["level"] == "error"] == []
    assert service.samples("predict_rejected_total") == {}


def test_an_access_line_holds_these_members(service: Service) -> None:
    """It has neither an address nor a user name, which are personal."""
    service.predict(SUM_ROW)
    (line,) = service.events("request")
    assert set(line) == {
        *("time", "level", "event", "method", "route", "status", "seconds", "request_id")
    }
    assert line["time"].endswith("Z")
    assert line["seconds"] > 0
