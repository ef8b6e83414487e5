"""The outermost layer: gives every request an id, counts it, times it, and logs it once."""

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import InternalError
from api.observe.metrics import Metrics
from api.observe.structured_log import StructuredLog

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_LEFT = 499
"""The status recorded, not sent, when the caller left before the answer."""


class Shortcut(Protocol):
    """What answers the requests of one route."""

    @property
    def route(self) -> Route:
        """The route."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""


class Recorder(NamedTuple):
    """What counts and times the requests of one method, route and status."""

    requests: Counter
    seconds: Histogram


class RequestMiddleware:
    """An ASGI middleware that records in `finally`: the failing request is the one that counts.

    Args:
        app: What answers.
        shortcut: Returns what answers a POST to a path instead. To look for its route among all
            others, through every layer of the framework, takes longer than a prediction.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        events: StructuredLog,
        shortcut: Callable[[str], Shortcut | None] = lambda _: None,
    ) -> None:
        self._app = app
        self._shortcut = shortcut
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
        request_id = self.request_id(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        status = CLIENT_LEFT

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == CLIENT_LEFT:
                    return
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode("ascii")),
                ]
            try:
                await send(message)
            except (OSError, RuntimeError) as error:
                # What the transport raises when the caller has reset the connection.
                if isinstance(error, OSError) or "closed" in str(error):
                    raise ClientDisconnect from None
                raise

        try:
            await self._answer(scope, receive, send_with_id)
        except ClientDisconnect:
            # Nobody is left to answer; `finally` counts it.
            pass
        except Exception as error:  # noqa: BLE001 - nothing may escape the outermost layer
            # The framework makes another error of a caller that leaves midway.
            fault = not isinstance(error.__cause__, ClientDisconnect)
            if fault:
                self._events.error("unhandled", request_id=request_id, exc_info=error)
            if fault and status == CLIENT_LEFT:
                await InternalError.of(request_id).response()(scope, receive, send_with_id)
        finally:
            if status == CLIENT_LEFT:
                # Or the protocol refused it, as its body is not HTTP.
                status = scope["state"].get("refused", status)
            self.record(_names(scope), status, time.perf_counter() - started, request_id)

    def refused(self, status: int) -> None:
        """Record a request that was not HTTP, and so never got here."""
        self.record(("other", "unmatched"), status, 0.0, self.request_id(()))

    def abandoned(self, scope: Scope) -> None:
        """Record a request whose caller left before it was answered."""
        self.record(_names(scope), CLIENT_LEFT, 0.0, self.request_id(scope["headers"]))

    def _answer(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        shortcut = self._shortcut(scope["path"]) if scope["method"] == "POST" else None
        if shortcut is None:
            return self._app(scope, receive, send)
        scope["route"] = shortcut.route
        return shortcut(scope, receive, send)

    def record(self, names: tuple[str, str], status: int, seconds: float, request_id: str) -> None:
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
        self._events.info(
            "request",
            method=method,
            route=route,
            status=status,
            seconds=round(seconds, 6),
            request_id=request_id,
        )

    def request_id(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the id that a request brings, or a new one."""
        for name, value in headers:
            if name == b"x-request-id":
                given: str = value.decode("latin-1")
                if REQUEST_ID.fullmatch(given):
                    return given
        # Ids that begin with the time are neighbours in the log's index, which halves its cost.
        return f"{time.time_ns() // 1_000_000:012x}{next(self._random)}"


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
