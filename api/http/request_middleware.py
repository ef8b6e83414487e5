"""The outermost layer: gives every request an id, counts it, times it, and logs it once."""

import re
import secrets
import time
from collections.abc import Awaitable, Iterator
from typing import NamedTuple, Protocol

from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.fields import Fields, header_fields
from api.http.origins import Headers
from api.http.problems import InternalError, Problem
from api.http.request_rules import RequestRules
from api.http.trace_context import Trace, continued
from api.observe.metrics import Metrics
from api.observe.structured_log import StructuredLog

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_LEFT = 499
"""The status recorded, not sent, when the caller left before the answer."""


class RequestMarks:
    """What a request is known by, on its answer and in its access line."""

    __slots__ = ("key", "request_id", "trace")

    def __init__(self, request_id: str, trace: Trace | None) -> None:
        self.request_id = request_id
        self.trace = trace
        self.key = ""
        """The name of the key by which the caller came."""

    @property
    def more(self) -> dict[str, str]:
        """What the access line has besides; usually nothing."""
        trace = {"trace_id": self.trace.trace_id} if self.trace else {}
        return trace | {"key": self.key} if self.key else trace

    @property
    def headers(self) -> Headers:
        """What the answer has of it."""
        found = [(b"x-request-id", self.request_id.encode("ascii"))]
        return [*found, (b"traceparent", self.trace.field)] if self.trace else found


class Shortcut(Protocol):
    """What answers the requests of one route."""

    @property
    def route(self) -> Route:
        """The route."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""


class Routes(Protocol):
    """What is known of the routes, without FastAPI."""

    def find(self, scope: Scope) -> BaseRoute | None:
        """Return the route of a path, whatever the method."""

    def shortcut(self, path: str) -> Shortcut | None:
        """Return what answers a POST to a path.

        To look for its route among all others, through every layer of the framework, takes longer
        than a prediction.
        """

    def refusal(self, request: Request, problem: Problem) -> Response:
        """Return the answer to a request that is refused."""


class Answer:
    """Sends an answer with what every answer carries, and remembers its status."""

    def __init__(
        self, rules: RequestRules, fields: Fields, marks: RequestMarks, send: Send
    ) -> None:
        self.status = CLIENT_LEFT
        self.marks = marks
        self._rules = rules
        self._fields = fields
        self._send = send

    async def send(self, message: Message) -> None:
        """Send a part."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status == CLIENT_LEFT:
                return
            own = list(message.get("headers", ()))
            message["headers"] = [
                *own,
                *self.marks.headers,
                *self._rules.headers(self._fields, own),
            ]
        try:
            await self._send(message)
        except (OSError, RuntimeError) as error:
            # What the transport raises when the caller has reset the connection.
            if isinstance(error, OSError) or "closed" in str(error):
                raise ClientDisconnect from None
            raise


class Recorder(NamedTuple):
    """What counts and times the requests of one method, route and status."""

    requests: Counter
    seconds: Histogram


class RequestMiddleware:
    """An ASGI middleware that records in `finally`: the failing request is the one that counts.

    Args:
        app: What answers.
        rules: What is asked of every request.
        routes: What is known of the app's routes.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        events: StructuredLog,
        rules: RequestRules,
        routes: Routes,
    ) -> None:
        self.rules = rules
        self._app = app
        self._routes = routes
        self._metrics = metrics
        self._recorders: dict[tuple[str, str, int], Recorder] = {}
        self._events = events
        self._random = _random_texts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        fields = header_fields(scope["headers"])
        marks = self.marks(fields)
        state = scope.setdefault("state", {})
        state |= {"request_id": marks.request_id, "marks": marks, "fields": fields}
        state["address"] = self.rules.client(
            scope["client"][0] if scope.get("client") else "", fields
        )
        self.rules.strip(scope)
        answer = Answer(self.rules, fields, marks, send)
        try:
            await self._answer(scope, receive, answer.send)
        except ClientDisconnect:
            # Nobody is left to answer; `finally` counts it.
            pass
        except Exception as error:  # noqa: BLE001 - nothing may escape the outermost layer
            # The framework makes another error of a caller that leaves midway.
            if not isinstance(error.__cause__, ClientDisconnect):
                await self._fail(error, answer, scope, receive)
        finally:
            if answer.status == CLIENT_LEFT:
                # Or the protocol refused it, as its body is not HTTP.
                answer.status = state.get("refused", CLIENT_LEFT)
            self.record(_names(scope), answer.status, time.perf_counter() - started, marks)

    async def _fail(
        self, error: Exception, answer: "Answer", scope: Scope, receive: Receive
    ) -> None:
        request_id = answer.marks.request_id
        self._events.error("unhandled", request_id=request_id, exc_info=error)
        if answer.status == CLIENT_LEFT:
            await InternalError.of(request_id).response()(scope, receive, answer.send)

    def refused(self, status: int) -> None:
        """Record a request that was not HTTP, and so never got here."""
        self.record(("other", "unmatched"), status, 0.0, self.marks({}))

    def abandoned(self, scope: Scope) -> None:
        """Record a request whose caller left before it was answered."""
        self.record(_names(scope), CLIENT_LEFT, 0.0, self.marks(header_fields(scope["headers"])))

    def _answer(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        fields = scope["state"]["fields"]
        if problem := self.rules.refusal(scope, fields):
            scope["route"] = self._routes.find(scope)
            return self._routes.refusal(Request(scope), problem)(scope, receive, send)
        if response := self.rules.preflight(scope, fields):
            return response(scope, receive, send)
        shortcut = self._routes.shortcut(scope["path"]) if scope["method"] == "POST" else None
        if shortcut is None:
            return self._app(scope, receive, send)
        scope["route"] = shortcut.route
        return shortcut(scope, receive, send)

    def record(
        self, names: tuple[str, str], status: int, seconds: float, marks: RequestMarks
    ) -> None:
        """Count a request by its method and route, and log it."""
        method, route = names
        recorder = self._recorders.get((method, route, status))
        if recorder is None:
            labels = (method, route, str(status))
            counters, times = self._metrics.requests, self._metrics.request_seconds
            recorder = Recorder(counters.labels(*labels), times.labels(*labels))
            self._recorders[method, route, status] = recorder
        recorder.requests.inc()
        recorder.seconds.observe(seconds)
        log = self._events.bind(**marks.more) if marks.trace or marks.key else self._events
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            seconds=round(seconds, 6),
            request_id=marks.request_id,
        )

    def marks(self, fields: Fields) -> RequestMarks:
        """Return what a request is known by: the id that it brings, or a new one."""
        given = fields.get(b"x-request-id")
        request_id = given and _given_id(given.decode("latin-1"))
        trace = continued(fields[b"traceparent"]) if b"traceparent" in fields else None
        # Ids that begin with the time are neighbours in the log's index, which halves its cost.
        return RequestMarks(
            request_id or f"{time.time_ns() // 1_000_000:012x}{next(self._random)}", trace
        )


def _given_id(text: str) -> str:
    """Return the first valid id of a field, which may have been sent several times."""
    return next((given for given in text.split(", ") if REQUEST_ID.fullmatch(given)), "")


def _names(scope: Scope) -> tuple[str, str]:
    """Return a request's method and route, as they are counted."""
    method: str = scope["method"]
    # The route's template, never the path: a path may hold anything.
    route: str = getattr(scope.get("route"), "path", "unmatched")
    return method if method in METHODS else "other", route


def _random_texts() -> Iterator[str]:
    """Yield texts of 20 hexadecimal digits that nobody can guess."""
    while True:
        # One system call for many: each takes as long as an access line.
        pool = secrets.token_bytes(10 * 256)
        for start in range(0, len(pool), 10):
            yield pool[start : start + 10].hex()
