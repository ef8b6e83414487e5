"""One request and its answer, on a connection, without ASGI."""

import asyncio
from time import perf_counter
from typing import Any, cast

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.http.request_middleware import CLIENT_LEFT, RequestMarks, RequestMiddleware
from api.server.head_coalescing import HeadCoalescer

CLOSE = (b"connection", b"close")


class FastResponse:
    """Stands in a connection where uvicorn has its own cycle of a request and its answer.

    uvicorn's protocol reads from it whether the answer is complete, and sets that the caller has
    left or that the connection ends with this answer.

    Args:
        protocol: The connection's.
        middleware: Records the request once it is answered.
        route: What it is recorded as.
        marks: What the request is known by.
    """

    more_body = False
    """The body came whole."""
    message_event = asyncio.Event()
    """Nothing waits for it."""

    def __init__(
        self,
        protocol: HttpToolsProtocol,
        middleware: RequestMiddleware,
        route: str,
        marks: RequestMarks,
    ) -> None:
        self.disconnected = False
        self.keep_alive: bool = protocol.parser.should_keep_alive()
        self.response_complete = False
        self.marks = marks
        self._protocol = protocol
        self._middleware = middleware
        self._route = route
        self._tasks = cast("set[asyncio.Future[Any] | None]", protocol.tasks)
        self._answered: asyncio.Future[Any] | None = None
        self._started = perf_counter()

    def wait_for(self, answered: "asyncio.Future[Any]") -> None:
        """Let a server that stops wait for an answer, and cancel it when it must."""
        self._answered = answered
        self._tasks.add(answered)

    def send(self, response: Response) -> None:
        """Send the answer, and record it."""
        transport = cast("HeadCoalescer", self._protocol.transport)
        if self.disconnected or transport.is_closing():
            self.abandon()
            return
        headers = response.raw_headers
        if CLOSE in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            headers = [*headers, CLOSE]
        parts = [STATUS_LINE[response.status_code]]
        for name, value in self._protocol.server_state.default_headers:
            parts += name, b": ", value, b"\r\n"
        for name, value in headers:
            parts += name, b": ", value, b"\r\n"
        marks = self.marks
        parts += b"x-request-id: ", marks.request_id.encode(), b"\r\n"
        if self.keep_alive:
            parts.append(transport.keep_alive)
        if marks.trace:
            parts += b"traceparent: ", marks.trace.field, b"\r\n"
        parts += self._middleware.rules.usual_headers, b"\r\n", bytes(response.body)
        transport.send(b"".join(parts))
        self._complete(response.status_code)

    def abandon(self) -> None:
        """Send no answer: the caller left."""
        self.keep_alive = False
        self._complete(CLIENT_LEFT)

    def _complete(self, status: int) -> None:
        self.response_complete = True
        self._tasks.discard(self._answered)
        if not self.keep_alive:
            self._protocol.transport.close()
        self._protocol.on_response_complete()
        seconds = perf_counter() - self._started
        self._middleware.record(("POST", self._route), status, seconds, self.marks)
