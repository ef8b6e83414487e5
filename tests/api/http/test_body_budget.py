"""How much of bodies is held at once is limited, and what was counted is given back."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http.body_budget import BodyBudget
from api.http.problems import Overloaded
from tests.api.server_process import PATIENCE_SECONDS, Server, process_of
from tests.api.wire import exchange
from tests.waiting import wait_until

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
ROW = b'{"weight":60}'
ANSWER = b'{"fruit":"Plum"}'
MOST = 100_000
LIMITS = {"PREDICT_QUEUE_BYTES": str(MOST), "PREDICT_MAX_BODY_BYTES": str(MOST)}


@pytest.fixture(scope="module")
def server(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a service that holds few bytes; one for all, as each test gives them back."""
    folder = tmp_path_factory.mktemp("budget")
    with process_of(folder, published, **LIMITS) as server:
        yield server


def test_a_share_is_given_back_whatever_happens() -> None:
    """Also if there was no room for the rest of the body."""
    budget = BodyBudget(10)
    with contextlib.suppress(Overloaded), budget.share() as share:
        share.take(6)
        share.take(5)
    with budget.share() as share:
        share.take(10)
        with pytest.raises(Overloaded):
            budget.take(1)
    budget.take(10)


def of_size(size: int) -> bytes:
    """Return the last request of a connection, a good one with a body of so many bytes."""
    body = b" " * (size - len(ROW)) + ROW
    return HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def test_a_body_that_has_no_room_is_refused_until_there_is_some(server: Server) -> None:
    """With 503, and a word on what to do; who holds the room is answered."""
    large = of_size(MOST - 1000)
    with server.connect() as holder:
        holder.sendall(large[:-1])
        wait_until(
            lambda: exchange(server, of_size(MOST // 2)).startswith(b"HTTP/1.1 503 "),
            PATIENCE_SECONDS,
        )
        told = exchange(server, of_size(MOST // 2))
        assert told.startswith(b"HTTP/1.1 503 ")
        assert json.loads(told.partition(b"\r\n\r\n")[2])["type"] == "urn:problem:overloaded"
        assert b"\r\nretry-after: 1\r\n" in told.lower()
        # What is small finds room.
        assert exchange(server, of_size(100)).endswith(ANSWER)
        holder.sendall(large[-1:])
        assert b"".join(iter(lambda: holder.recv(65_536), b"")).endswith(ANSWER)
    assert exchange(server, large).endswith(ANSWER)


def test_who_leaves_gives_back(server: Server) -> None:
    """However often."""
    for _ in range(5):
        with server.connect() as holder:
            holder.sendall(of_size(MOST - 1000)[:-1])
    wait_until(lambda: exchange(server, of_size(MOST - 1000)).endswith(ANSWER), PATIENCE_SECONDS)


def test_a_short_body_that_is_refused_costs_no_connection(server: Server) -> None:
    """The next request on it is answered; a long body would be sent for nothing."""
    wrong = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: "
    told = exchange(server, wrong + b"13\r\n\r\n" + ROW + of_size(100))
    assert told.startswith(b"HTTP/1.1 415 ")
    assert told.endswith(ANSWER)
    told = exchange(server, wrong + b"90000\r\n\r\n" + b" " * 90_000 + of_size(100))
    assert told.startswith(b"HTTP/1.1 415 ")
    assert b"connection: close" in told.lower()
    assert told.count(b"HTTP/1.1 ") == 1
