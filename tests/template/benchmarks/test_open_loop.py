"""The open loop sends what is due when it is due, and misses nothing that happens to it."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from benchmarks import open_loop
from benchmarks.open_loop import NO_ANSWER, NOT_SENT, Arrivals, Outcome

Respond = Callable[[int, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLOSING = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Server:
    """A server that answers its n-th request as `respond` does; remembers all requests."""

    def __init__(self, respond: Respond) -> None:
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self._respond = respond

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length: ")[2].split("\r\n")[0])
                number = len(self.heads)
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(length))
                await self._respond(number, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def sent(respond: Respond, **options: Any) -> tuple[Outcome, Server]:
    """Send some requests to a server of our own; 20 in 20 ms unless asked otherwise."""
    server = Server(respond)

    async def both() -> Outcome:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        defaults: dict[str, Any] = {"bodies": [b"{}"], "rate": 1000, "seconds": 0.02}
        outcome = await open_loop.send(Arrivals(port=port, **(defaults | options)))
        listening.close()
        await listening.wait_closed()
        return outcome

    return asyncio.run(both()), server


async def answer(_: int, writer: asyncio.StreamWriter) -> None:
    """Answer at once."""
    writer.write(OK)


async def never(_: int, __: asyncio.StreamWriter) -> None:
    """Answer nothing."""


def test_every_request_is_sent_and_answered_once() -> None:
    """20 arrive, 20 are answered, each by its number; the bodies take turns."""
    outcome, server = sent(answer, bodies=[b"[1]", b"[2]"])
    assert outcome.statuses == {200: 20}
    assert sorted(found.number for found in outcome.answers) == list(range(20))
    assert Counter(server.bodies) == {b"[1]": 10, b"[2]": 10}


def test_nothing_is_sent_before_it_is_due() -> None:
    """The last of 20 at 1,000 a second is due 19 ms after the first: no run is shorter."""
    began = time.perf_counter()
    sent(answer)
    assert time.perf_counter() - began >= 0.019


def test_requests_carry_their_ids() -> None:
    """The n-th request has the n-th id; without ids there is no such header."""
    _, server = sent(answer, request_id="id-{}".format)
    assert {f"X-Request-ID: id-{number}\r\n" in "".join(server.heads) for number in range(20)} == {
        True
    }
    _, server = sent(answer)
    assert "x-request-id" not in "".join(server.heads).lower()


def test_latency_counts_from_the_time_that_was_due() -> None:
    """Nineteen that wait for the only connection, which a slow first answer holds, waited too."""

    async def slow_first(number: int, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2 * (number == 0))
        writer.write(OK)

    outcome, _ = sent(slow_first, connections=1)
    # The last one was due 19 ms after the first, and could not be sent for 200.
    assert outcome.latencies()[0] >= 0.15
    assert outcome.percentile(99) >= outcome.percentile(50)


def test_other_statuses_are_counted_apart() -> None:
    """A refusal is an answer, and no 200; its connection is used no more if it says so."""

    async def refuse_odd(number: int, writer: asyncio.StreamWriter) -> None:
        if number % 2:
            writer.write(CLOSING)
            writer.close()
        else:
            writer.write(OK)

    outcome, server = sent(refuse_odd, connections=2)
    assert outcome.statuses == {200: 10, 503: 10}
    assert len(outcome.latencies(503)) == 10
    assert server.connections > 2


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"huh\r\n"]
)
def test_a_broken_connection_is_no_answer(said: bytes) -> None:
    """Nothing, half an answer or no HTTP: the request counts as unanswered, the rest goes on."""

    async def break_first(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(OK if number else said)
        if not number:
            writer.close()

    outcome, _ = sent(break_first, connections=1)
    assert outcome.statuses == {200: 19, NO_ANSWER: 1}


def test_who_waits_too_long_is_given_up() -> None:
    """One that hangs on each connection has no answer; those behind it were not sent."""
    outcome, server = sent(never, connections=2, timeout_seconds=0.05, seconds=0.01)
    assert outcome.statuses[200] == 0
    # What is broken off may not have been read yet.
    assert outcome.statuses[NO_ANSWER] >= len(server.heads) >= 1
    assert outcome.statuses[NO_ANSWER] + outcome.statuses[NOT_SENT] == 10
    assert outcome.statuses[NOT_SENT] > 0


def test_nobody_listening_is_an_error() -> None:
    """A load that was never sent is no result."""
    with pytest.raises(OSError, match="refused"):
        open_loop.run(Arrivals(port=1, bodies=[b"{}"], rate=10, seconds=1))


def test_no_percentile_of_nothing() -> None:
    """A latency without a request cannot be reported."""
    outcome, _ = sent(answer)
    with pytest.raises(ValueError, match="503"):
        outcome.percentile(99, 503)
