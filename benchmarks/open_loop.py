"""The open loop: requests arrive at a constant rate, whether or not the last ones are answered.

A closed loop waits for a slow answer and so asks less of a server in trouble. Here a request has
the time at which it was due, and its latency counts from then, also where it had to wait for a
free connection, or where this process was late itself.
"""

import asyncio
import contextlib
import gc
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import httptools
import uvloop

NO_ANSWER = 0
"""The status of a request that was sent, and whose answer was late or lost."""
NOT_SENT = -1
"""The status of a request for which no connection was free in time."""

_RECONNECT_SECONDS = 0.05
_CLOSE_SECONDS = 1.0
# A loop that sleeps wakes up to a millisecond late: what is due sooner is waited for awake.
_AWAKE_SECONDS = 0.002
_CHECK_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """What arrives, when, and over what."""

    port: int
    bodies: Sequence[bytes]
    """JSON texts, sent in turn."""
    rate: float
    """Requests a second."""
    seconds: float
    host: str = "127.0.0.1"
    path: str = "/predict"
    connections: int = 16
    """How many requests can be on their way at once; the others wait for one to be free."""
    timeout_seconds: float = 10.0
    """How long after its time a request is given up."""
    request_id: Callable[[int], str] | None = None
    """Gives the n-th request its `X-Request-ID`; None: it has none."""

    @property
    def count(self) -> int:
        """How many requests arrive in all."""
        return round(self.rate * self.seconds)


class Answer(NamedTuple):
    """What became of a request."""

    number: int
    """From 0, in the order of arrival."""
    status: int
    """As answered, or `NO_ANSWER`, or `NOT_SENT`."""
    seconds: float
    """From the time it was due to the last byte of its answer, or until it was given up."""


@dataclass(frozen=True)
class Outcome:
    """What became of all requests."""

    answers: list[Answer]
    """In the order in which they ended."""

    @property
    def statuses(self) -> Counter[int]:
        """How many requests ended with each status."""
        return Counter(answer.status for answer in self.answers)

    def latencies(self, status: int = 200) -> list[float]:
        """Return the seconds of the requests that ended with a status, the shortest first."""
        return sorted(answer.seconds for answer in self.answers if answer.status == status)

    def percentile(self, percent: float, status: int = 200) -> float:
        """Return the latency, in seconds, that this percentage of the answers did not exceed.

        Raises:
            ValueError: no answer has this status.
        """
        found = self.latencies(status)
        if not found:
            raise ValueError(f"No request ended with status {status}.")
        return found[min(len(found) - 1, int(len(found) * percent / 100))]


def run(arrivals: Arrivals) -> Outcome:
    """Send everything from a loop of its own, and return what became of it."""
    collecting = gc.isenabled()
    # A pause of ours would be counted as the server's.
    gc.disable()
    try:
        return uvloop.run(send(arrivals))
    finally:
        if collecting:
            gc.enable()


async def send(arrivals: Arrivals) -> Outcome:
    """Send everything, and return what became of it.

    Raises:
        OSError: nobody listens.
    """
    sender = _Sender(arrivals)
    try:
        await sender.connect()
        await sender.send_all()
    finally:
        await sender.close()
    return Outcome(sender.answers)


class _Request(NamedTuple):
    number: int
    due: float


class _Connection(asyncio.Protocol):
    """Carries one request at a time."""

    def __init__(self, sender: "_Sender") -> None:
        self.request: _Request | None = None
        self._sender = sender
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to carry; called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._sender.free(self)

    def carry(self, request: _Request, text: bytes) -> None:
        """Send a request."""
        self.request = request
        self._transport.write(text)

    def data_received(self, data: bytes) -> None:
        """Read on; called by the event loop."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()

    def on_message_complete(self) -> None:
        """Count the answer; called by the parser."""
        request, self.request = self.request, None
        if request:
            self._sender.end(request, self._parser.get_status_code())
        if request and self._parser.should_keep_alive():
            self._sender.free(self)
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        """Count what was on its way; called by the event loop."""
        request, self.request = self.request, None
        if request:
            self._sender.end(request, NO_ANSWER)
        self._sender.lost(self)

    def abort(self) -> None:
        """Break off, at once."""
        self._transport.abort()


class _Sender:
    """Gives each request its time, and a connection."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.answers: list[Answer] = []
        self._arrivals = arrivals
        self._texts = [_text(arrivals, body) for body in arrivals.bodies]
        self._waiting: deque[_Request] = deque()
        self._open: set[_Connection] = set()
        self._free: deque[_Connection] = deque()
        self._reconnecting: set[asyncio.Task[None]] = set()
        self._closed = False
        self._none_open = asyncio.Event()

    async def connect(self) -> None:
        """Open all connections.

        Raises:
            OSError: nobody listens.
        """
        for _ in range(self._arrivals.connections):
            await self._connect()

    async def send_all(self) -> None:
        """Send each request when it is due, and wait until all have ended."""
        rate, count = self._arrivals.rate, self._arrivals.count
        begin = check = time.perf_counter()
        number = 0
        while len(self.answers) < count:
            now = time.perf_counter()
            while number < count and begin + number / rate <= now:
                self._arrive(_Request(number, begin + number / rate))
                number += 1
            if now >= check:
                self._give_up(now)
                check = now + _CHECK_SECONDS
            due = begin + number / rate if number < count else check
            await asyncio.sleep(max(0, min(due, check) - now - _AWAKE_SECONDS))

    def free(self, connection: _Connection) -> None:
        """Let a connection carry what waits, or wait for something to carry."""
        self._open.add(connection)
        if self._waiting:
            self._carry(connection, self._waiting.popleft())
        else:
            self._free.append(connection)

    def end(self, request: _Request, status: int) -> None:
        """Note what became of a request."""
        self.answers.append(Answer(request.number, status, time.perf_counter() - request.due))

    def lost(self, connection: _Connection) -> None:
        """Open another connection in the place of one that is gone."""
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if self._closed:
            if not self._open:
                self._none_open.set()
        else:
            task = asyncio.get_running_loop().create_task(self._reconnect())
            self._reconnecting.add(task)
            task.add_done_callback(self._reconnecting.discard)

    async def close(self) -> None:
        """Break everything off."""
        self._closed = True
        for task in self._reconnecting:
            task.cancel()
        await asyncio.gather(*self._reconnecting, return_exceptions=True)
        for connection in self._open:
            connection.abort()
        if self._open:
            # One that was cancelled just as it was made never says that it is gone.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._none_open.wait(), _CLOSE_SECONDS)

    def _arrive(self, request: _Request) -> None:
        if self._free:
            self._carry(self._free.popleft(), request)
        else:
            self._waiting.append(request)

    def _carry(self, connection: _Connection, request: _Request) -> None:
        head, body = self._texts[request.number % len(self._texts)]
        name = self._arrivals.request_id
        own = f"X-Request-ID: {name(request.number)}\r\n" if name else ""
        connection.carry(request, b"%b%b\r\n%b" % (head, own.encode(), body))

    def _give_up(self, now: float) -> None:
        latest = now - self._arrivals.timeout_seconds
        while self._waiting and self._waiting[0].due <= latest:
            self.end(self._waiting.popleft(), NOT_SENT)
        for connection in self._open:
            if connection.request and connection.request.due <= latest:
                connection.abort()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        arrivals = self._arrivals
        await loop.create_connection(lambda: _Connection(self), arrivals.host, arrivals.port)

    async def _reconnect(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                return await self._connect()
            await asyncio.sleep(_RECONNECT_SECONDS)


def _text(arrivals: Arrivals, body: bytes) -> tuple[bytes, bytes]:
    """Return what stands before, and after, a request's own header."""
    head = (
        f"POST {arrivals.path} HTTP/1.1\r\n"
        f"Host: {arrivals.host}:{arrivals.port}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    return head.encode(), body
