"""Heads of requests that only a real server can meet, and the bytes around them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.api.server_process import Server, process_of
from tests.api.wire import AccessLines, exchange, status_of

BODY = b'{"weight":60}'
ANSWER = b'{"fruit":"Plum"}'
VALUE = b"xyzzy"
LAST = b"Content-Type: application/json\r\nContent-Length: 13\r\nConnection: close\r\n\r\n" + BODY
"""The rest of a good request, the last one of its connection."""
POST = b"POST /predict HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
KIND = b"Content-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


class Running(NamedTuple):
    """A service, and where it writes its events."""

    server: Server
    events: Path


@pytest.fixture(scope="module")
def running(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a running service with a short deadline; all tests share it."""
    folder = tmp_path_factory.mktemp("heads")
    with process_of(folder, published, PREDICT_BODY_TIMEOUT_SECONDS="0.3") as server:
        yield Running(server, folder / "events")


def is_well(server: Server) -> bool:
    """Return whether a good request is answered."""
    return exchange(server, POST + HOST + LAST).endswith(ANSWER)


@pytest.mark.parametrize(
    "head",
    [
        POST + LAST,
        POST + HOST + b"Host: xyzzy\r\n" + LAST,
        POST + HOST + b"X-A: xyzzy\r\n folded\r\n" + LAST,
        POST + HOST + b"X-A : xyzzy\r\n" + LAST,
        POST + HOST + b"X-A: " + VALUE * 14_000 + b"\r\n" + LAST,
        POST + HOST + b"".join(b"X-%d: xyzzy\r\n" % number for number in range(6_000)) + LAST,
        b"POST /predict?" + VALUE * 14_000 + b" HTTP/1.1\r\n" + HOST + LAST,
        b"POST /predict/xyzzy\xe9 HTTP/1.1\r\n" + HOST + LAST,
        b"post /predict HTTP/1.1\r\n" + HOST + LAST,
        b"XYZZY /predict HTTP/1.1\r\n" + HOST + LAST,
    ],
    ids=[
        *("no host", "two hosts", "a folded line", "a space before a colon", "a header of 70 KB"),
        *("6,000 headers", "a path of 70 KB", "a path that is not ASCII", "post", "XYZZY"),
    ],
)
def test_a_head_that_is_no_http_is_refused(running: Running, head: bytes) -> None:
    """The answer is 400 with one line that repeats nothing; the connection is closed."""
    server, events = running
    lines = AccessLines(server, events)
    assert status_of(exchange(server, head)) == 400
    (line,) = lines.wait()
    assert (line["method"], line["route"], line["status"]) == ("other", "unmatched", 400)
    assert VALUE.decode() not in lines.text.lower()
    assert is_well(server)


@pytest.mark.parametrize(
    "coding",
    [b"gzip, chunked", b"gzip", b"identity", b"xyzzy", b"chunked, chunked", b"chunked;q=1"],
)
def test_a_transfer_coding_other_than_chunked_is_refused(running: Running, coding: bytes) -> None:
    """The service does not guess what the bytes are."""
    server, events = running
    lines = AccessLines(server, events)
    head = POST + HOST + KIND + CLOSE + b"Transfer-Encoding: " + coding + b"\r\n\r\n"
    received = exchange(server, head + b"d\r\n" + BODY + b"\r\n0\r\n\r\n", end=True)
    assert status_of(received) in {400, 415}
    lines.wait()
    assert is_well(server)


@pytest.mark.parametrize(
    "sent",
    [
        b"Transfer-Encoding: chunked\r\n\r\nd;"
        + VALUE * 10_000
        + b"\r\n"
        + BODY
        + b"\r\n0\r\n\r\n",
        b"Transfer-Encoding: ChunKed\r\n\r\nD\r\n" + BODY + b"\r\n0\r\nX-Request-ID: xyzzy\r\n\r\n",
        b"Content-Length: 13\r\nExpect: xyzzy\r\n\r\n" + BODY,
        b"Content-Length: 13\r\nUpgrade: websocket\r\n\r\n" + BODY,
        b"Content-Length: 0013\r\n\r\n" + BODY,
    ],
    ids=["an extension of a chunk", "a trailer", "an expectation", "an upgrade", "zeros"],
)
def test_harmless_additions_to_a_request_are_ignored(running: Running, sent: bytes) -> None:
    """A request id in a trailer is not used."""
    server, events = running
    lines = AccessLines(server, events)
    received = exchange(server, POST + HOST + KIND + CLOSE + sent)
    assert status_of(received) == 200
    assert received.endswith(ANSWER)
    assert VALUE not in received
    lines.wait()
    assert VALUE.decode() not in lines.text


def test_a_trailer_that_never_ends_is_408(running: Running) -> None:
    """It belongs to the body, whose deadline holds."""
    chunks = CHUNKED + b"d\r\n" + BODY + b"\r\n0\r\nX-A: xyzzy\r\n"
    assert status_of(exchange(running.server, POST + HOST + KIND + chunks)) == 408


def test_a_caller_that_closes_its_side_after_sending_is_answered(running: Running) -> None:
    """It may do so before the answer."""
    head = POST + HOST + KIND + b"Content-Length: 13\r\n\r\n"
    assert exchange(running.server, head + BODY, end=True).endswith(ANSWER)


@pytest.mark.parametrize("sent", [b"", BODY[:5]])
def test_a_caller_that_leaves_before_its_body_is_whole_is_not_answered(
    running: Running, sent: bytes
) -> None:
    """The request is recorded as 499."""
    server, events = running
    lines = AccessLines(server, events)
    head = POST + HOST + KIND + b"Content-Length: 13\r\n\r\n"
    assert exchange(server, head + sent, end=True) == b""
    (line,) = lines.wait()
    assert line["status"] == 499


def test_a_caller_that_expects_100_continue_gets_it(running: Running) -> None:
    """Once the body is there it gets its answer."""
    head = POST + HOST + KIND + CLOSE + b"Expect: 100-continue\r\nContent-Length: 13\r\n\r\n"
    with running.server.connect() as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(BODY)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert status_of(received) == 200


def test_a_caller_that_expects_100_continue_with_too_large_a_body_is_refused(
    running: Running,
) -> None:
    """It gets 413 instead of 100, so that nothing is sent in vain."""
    length = b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
    assert status_of(exchange(running.server, POST + HOST + KIND + length)) == 413


@pytest.mark.parametrize("method", [b"HEAD", b"OPTIONS", b"TRACE", b"PROPFIND"])
def test_another_method_is_405(running: Running, method: bytes) -> None:
    """The answer names the allowed methods; HEAD gets it without a body."""
    received = exchange(running.server, method + b" /predict HTTP/1.1\r\n" + HOST + LAST)
    assert status_of(received) == 405
    assert b"\r\nallow: POST\r\n" in received
    assert received.endswith(b"\r\n\r\n") is (method == b"HEAD")


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ([b"one"], b"one"),
        ([b"one", b"two"], b"one"),
        ([b"x y", b"two"], b"two"),
        ([b"xyzzy\xff"], None),
        ([b""], None),
        ([b"xyzzy" * 30], None),
    ],
)
def test_an_answer_has_one_id(running: Running, sent: list[bytes], taken: bytes | None) -> None:
    """It is the first valid id that was sent, or a new one."""
    server, events = running
    lines = AccessLines(server, events)
    ids = b"".join(b"X-Request-ID: " + each + b"\r\n" for each in sent)
    received = exchange(server, POST + HOST + ids + LAST)
    (answered,) = re.findall(rb"(?i)\r\nx-request-id: (.*)\r\n", received)
    assert answered == (taken or answered)
    assert VALUE not in answered
    (line,) = lines.wait()
    assert line["request_id"].encode() == answered


def test_many_requests_at_once_on_one_connection_are_answered_in_order(running: Running) -> None:
    """All of them are sent before the first answer is read."""
    count = 300
    head = POST + HOST + KIND + b"Content-Length: 13\r\n"
    sent = [head + b"X-Request-ID: n%d\r\n\r\n" % number + BODY for number in range(count)]
    received = exchange(running.server, b"".join(sent) + POST + HOST + LAST)
    ids = re.findall(rb"(?i)\r\nx-request-id: n(\d+)\r\n", received)
    assert [int(number) for number in ids] == list(range(count))
    assert received.count(ANSWER) == count + 1
