"""The facts that hold for every bad request: `assert_refused` names them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.http.problems import MAX_ERRORS, Problem
from api.http.request_middleware import METHODS
from monitoring.log.reading.reader import LogReader
from tests.api.body_rules import status_of
from tests.api.conftest import (
    KINDS_ROW,
    KINDS_SIGNATURE,
    ConstantPredictor,
    Service,
    loaded,
    running,
    small_settings,
)

VALUE = "xyzzy"
"""A value of the caller, which must not appear anywhere."""
NUMBER = 271828182845
"""So long that no id, time or measurement holds it by chance."""
MOMENT = "18:28.271828"
"""The end of a date and time: as a mark, its fraction of a second would be too short."""
MAX_STRING = 100
"""The limit that `tests.api.conftest.served` sets."""
OK = 200
MEMBERS = {"type", "title", "status", "detail", "errors"}

Series = frozenset[tuple[str, str]]
"""The labels of a series, its name among them."""


def problems(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """Yield all problems: the closed list of what can be wrong."""
    for known in kind.__subclasses__():
        yield known
        yield from problems(known)


@contextmanager
def kinds_service(published: Path, folder: Path, **changes: Any) -> Iterator[Service]:
    """Serve a model that has a column of every kind.

    Its monitor does not run: it may publish the least and the greatest value of good rows.
    """
    used = small_settings(folder, monitoring_seconds=86_400, **changes)
    with running(published, used, ["sum"]) as service:
        service.install(loaded(ConstantPredictor(), signature=KINDS_SIGNATURE))
        yield service


def assert_refused(
    service: Service, send: Callable[[], Any], status: int, *, rejected: int = 1
) -> None:
    """Send a bad request and assert all that must hold for it."""
    written_before, logged = service.stream.tell(), LogReader(service.state.log.path).check().logged
    before = series(service)
    answer = send()
    events = service.stream.getbuffer()[written_before:].tobytes()
    after = series(service)

    assert answer.status_code == status
    if answer.request.method != "HEAD":
        _assert_problem(answer)

    everywhere = str(answer.headers) + answer.text + events.decode() + service.metrics_text()
    assert VALUE not in everywhere
    assert str(NUMBER) not in everywhere
    assert MOMENT not in everywhere
    assert "Traceback" not in everywhere

    lines = [json.loads(line) for line in events.splitlines()]
    assert len(lines) == 1, lines
    line = lines[0]
    assert (line["event"], line["level"], line["status"]) == ("request", "info", status)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert _rejected(after) - _rejected(before) == rejected
    _assert_closed(service, after.keys() - before.keys())
    assert LogReader(service.state.log.path).check().logged == logged

    assert service.client.get("/health/ready").status_code == 200
    assert service.predict(KINDS_ROW).json() == {"zero": 0.0}


def assert_refused_by_rules(service: Service, body: bytes) -> int:
    """Send a body; assert that it is refused or answered as the rules say; return the status."""
    status = status_of(KINDS_SIGNATURE, body, max_string=MAX_STRING)
    if status == OK:
        assert service.predict(body).status_code == status
    else:
        assert_refused(service, lambda: service.predict(body), status)
    return status


def series(service: Service) -> dict[Series, float]:
    """Return the value of every series of the metrics."""
    return {
        frozenset({"": sample.name, **sample.labels}.items()): sample.value
        for family in service.state.metrics.registry.collect()
        for sample in family.samples
    }


def _rejected(samples: dict[Series, float]) -> float:
    return sum(samples[key] for key in samples if ("", "predict_rejected_total") in key)


def _assert_problem(answer: Any) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.content.isascii()
    problem = answer.json()
    assert set(problem) in (MEMBERS, MEMBERS - {"errors"})
    known = {(f"urn:problem:{kind.type}", kind.title, kind.status) for kind in problems()}
    assert (problem["type"], problem["title"], answer.status_code) in known
    assert problem["status"] == answer.status_code
    errors = problem.get("errors", [])
    assert len(errors) <= MAX_ERRORS
    assert all(set(error) == {"pointer", "code", "detail"} for error in errors)
    needed = {401: "www-authenticate", 405: "allow", 429: "retry-after", 503: "retry-after"}
    assert needed.get(answer.status_code, "content-type") in answer.headers


def _assert_closed(service: Service, new: set[Series]) -> None:
    """Assert that the labels of new series come from closed lists, never from a request."""
    routes = {getattr(route, "path", "") for route in service.app.routes} | {"unmatched"}
    closed = {
        "method": METHODS | {"other"},
        "route": routes,
        "status": {str(kind.status) for kind in problems()} | {"200"},
        "reason": {kind.type for kind in problems()},
    }
    for labels in new:
        for name, value in labels:
            assert name in {"", "le"} or value in closed[name], f"{name}={value}"
