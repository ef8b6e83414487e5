"""The bytes of bodies held at once are limited; each body gives its share back."""

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

HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ROW = b'{"weight":60}'
ANSWER = b'{"fruit":"Plum"}'
MOST = 100_000
LIMITS = {"PREDICT_QUEUE_BYTES": str(MOST), "PREDICT_MAX_BODY_BYTES": str(MOST)}


@pytest.fixture(scope="module")
def server(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a service that holds few bytes; all tests share it, as each gives them back."""
    folder = tmp_path_factory.mktemp("budget")
    with process_of(folder, published, **LIMITS) as server:
        yield server


def test_a_share_is_given_back_whatever_happens() -> None:
    """That holds as well if there was no room for the rest of the body."""
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


def test_a_body_beyond_the_budget_is_refused_until_there_is_room(server: Server) -> None:
    """It gets 503 with `Retry-After`; the body that holds the room is answered."""
    large = of_size(MOST - 1000)
    with server.connect() as holder:
        holder.sendall(large[:-1])
        wait_until(
            lambda: exchange(server, of_size(MOST // 2)).startswith(b"HTTP/1.1 503 "),
            PATIENCE_SECONDS,
        )
        answer = exchange(server, of_size(MOST // 2))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "urn:problem:overloaded"
        assert b"\r\nretry-after: 1\r\n" in answer.lower()
        # A small body finds room.
        assert exchange(server, of_size(100)).endswith(ANSWER)
        holder.sendall(large[-1:])
        assert b"".join(iter(lambda: holder.recv(65_536), b"")).endswith(ANSWER)
    assert exchange(server, large).endswith(ANSWER)


def test_a_caller_that_leaves_gives_its_share_back(server: Server) -> None:
    """That holds each time."""
    for _ in range(5):
        with server.connect() as holder:
            holder.sendall(of_size(MOST - 1000)[:-1])
    wait_until(lambda: exchange(server, of_size(MOST - 1000)).endswith(ANSWER), PATIENCE_SECONDS)


def test_a_short_body_that_is_refused_costs_no_connection(server: Server) -> None:
    """The next request on it is answered; before a long body the connection is closed."""
    wrong = (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: "
    )
    answer = exchange(server, wrong + b"13\r\n\r\n" + ROW + of_size(100))
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert answer.endswith(ANSWER)
    answer = exchange(server, wrong + b"90000\r\n\r\n" + b" " * 90_000 + of_size(100))
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert b"connection: close" in answer.lower()
    assert answer.count(b"HTTP/1.1 ") == 1
