"""Only a real server can meet these: bytes on a socket that are no valid request."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.server_process import Server, process_of
from tests.api.wire import exchange, status_of

BODY = b'{"weight":60}'
ANSWER = b'{"fruit":"Plum"}'
HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def good(*, close: bool = False) -> bytes:
    """Return a good request."""
    ending = b"Connection: close\r\n" if close else b""
    return HEAD + ending + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def server(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a running service with a short deadline; all tests share it."""
    limits = {"PREDICT_BODY_TIMEOUT_SECONDS": "0.2", "PREDICT_MAX_BODY_BYTES": "100000"}
    with process_of(tmp_path_factory.mktemp("framing"), published, **limits) as started:
        yield started


def is_well(server: Server) -> bool:
    """Return whether a good request is answered."""
    return exchange(server, good(close=True)).endswith(ANSWER)


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 13\r\nContent-Length: 14\r\n",
        b"Content-Length: 13\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 13\r\n",
        b"Content-Length: -13\r\n",
        b"Content-Length: +13\r\n",
        b"Content-Length: 13, 13\r\n",
        b"Content-Length: 0x0d\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Transfer-Encoding: xyzzy, chunked, xyzzy\r\n",
        b"X-Id: 1\r\n\r\n\x00garbage\r\n\r\n",
    ],
)
def test_a_body_whose_end_is_unclear_is_refused(server: Server, framing: bytes) -> None:
    """It gets 400 and is closed at once, so that no second request can be smuggled in."""
    received = exchange(server, HEAD + framing + b"\r\n" + BODY + good(close=True), end=True)
    assert received.startswith((b"HTTP/1.1 400", b"HTTP/1.1 415", b"HTTP/1.1 413"))
    assert ANSWER not in received
    assert b"xyzzy" not in received
    assert is_well(server)


@pytest.mark.parametrize(
    "chunks", [b"xyzzy\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5\r\n12345678\r\n0\r\n\r\n"]
)
def test_wrong_chunks_are_refused(server: Server, chunks: bytes) -> None:
    """The chunks before them are not predicted."""
    received = exchange(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks, end=True)
    assert b" 200 " not in received
    assert is_well(server)


def test_a_body_in_chunks_is_answered(server: Server) -> None:
    """The chunks may have any size."""
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"
    head = HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert exchange(server, head + chunks).endswith(ANSWER)


@pytest.mark.parametrize("sent", [b"", b'{"weight":', BODY])
def test_a_body_that_stays_incomplete_is_408(server: Server, sent: bytes) -> None:
    """Its length promises more bytes than come; the server closes the connection."""
    received = exchange(server, HEAD + b"Content-Length: 100\r\n\r\n" + sent)
    assert status_of(received) == 408
    assert b"connection: close" in received.lower()
    assert json.loads(received.partition(b"\r\n\r\n")[2])["type"] == "urn:problem:body-timeout"
    assert is_well(server)


def test_chunks_that_never_end_are_408(server: Server) -> None:
    """The deadline is that of the whole body; a byte now and then does not extend it."""
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert status_of(exchange(server, head + b"1\r\n{\r\n" * 5)) == 408


def test_a_body_over_the_limit_is_refused_before_it_is_sent(server: Server) -> None:
    """Its length alone gets 413."""
    received = exchange(server, HEAD + b"Content-Length: 100001\r\n\r\n")
    assert status_of(received) == 413
    assert b"connection: close" in received.lower()


def test_a_body_in_chunks_over_the_limit_is_refused(server: Server) -> None:
    """It is refused as soon as it is over."""
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    received = exchange(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4)
    assert status_of(received) == 413


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n",
        b"xyzzy\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_invalid_http_is_refused(server: Server, sent: bytes) -> None:
    """The parser refuses it with a bare 400 or without an answer."""
    assert exchange(server, sent, end=True)[:12] in (b"", b"HTTP/1.1 400")
    assert is_well(server)


def test_a_caller_that_leaves_midway_harms_nobody(server: Server) -> None:
    """It leaves before its body is whole, or before its answer is there."""
    for sent in (HEAD + b"Content-Length: 100\r\n\r\n{", good()):
        for _ in range(20):
            with server.connect() as connection:
                connection.sendall(sent)
    assert is_well(server)


def test_requests_on_one_connection_are_answered_in_order(server: Server) -> None:
    """A refusal between them does not end the connection."""
    bad = HEAD + b"Content-Length: 2\r\n\r\n{}"
    received = exchange(server, good() + bad + good(close=True))
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"422", b"200"]


def test_no_answer_names_the_server_software(server: Server) -> None:
    """It has neither its name nor its version."""
    assert b"server:" not in exchange(server, good(close=True)).lower()
