"""Connections whose request never comes are closed; those of good callers stay open."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api.server.protocol import (
    CROWDED_SECONDS,
    MANY_CONNECTIONS,
    MAX_BLANKS,
    MAX_HEAD_BYTES,
    HttpProtocol,
)
from tests.api.server.test_head_coalescing import Recorder

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


class Impatient(HttpProtocol):
    """Waits for a head as long as a test may."""

    head_seconds = 0.2
    write_seconds = 0.2


async def here(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a path that is a number with so many bytes."""
    size = scope["path"].strip("/") or "0"
    await PlainTextResponse("here" + "x" * int(size))(scope, receive, send)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Return the address of a server that speaks the protocol."""
    config = uvicorn.Config(
        here,
        http=Impatient,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=1,
        ws="none",
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        thread = threading.Thread(target=asyncio.run, args=(server._serve([listener]),))  # noqa: SLF001 - without its signal handlers, which only a main thread may set
        thread.start()
        yield listener.getsockname()
        server.should_exit = True
        thread.join()


def all_of(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    connection.settimeout(30)
    received = b""
    while part := connection.recv(65_536):
        received += part
    return received


@pytest.mark.parametrize("head", [b"", b"GE", b"GET / HTTP/1.1\r\nHost: he"])
def test_a_head_that_is_never_complete_ends_its_connection(
    address: tuple[str, int], head: bytes
) -> None:
    """The connection is closed after silence, half a line or half of the headers."""
    with socket.create_connection(address) as connection:
        connection.sendall(head)
        assert all_of(connection) == b""


def test_the_second_head_of_a_connection_has_the_same_limit(address: tuple[str, int]) -> None:
    """One good request does not lift the limit."""
    with socket.create_connection(address) as connection:
        connection.sendall(REQUEST + b"GET / HT")
        assert all_of(connection).count(b"200 OK") == 1


def test_heads_that_are_complete_are_answered(address: tuple[str, int]) -> None:
    """Two come in one piece, and one in two."""
    with socket.create_connection(address) as connection:
        connection.sendall(REQUEST + REQUEST + REQUEST[:9])
        connection.sendall(REQUEST[9:].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert all_of(connection).count(b"200 OK") == 3


def test_a_head_that_is_too_large_is_refused(address: tuple[str, int]) -> None:
    """Endless headers do not fill the memory."""
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"a" * MAX_HEAD_BYTES)
        assert all_of(connection).startswith(b"HTTP/1.1 400")


@pytest.mark.slow  # it waits a second
@pytest.mark.parametrize("name", [b"Upgrade", b"upgrade", b"UPGRADE "])
def test_an_offer_to_upgrade_is_ignored(address: tuple[str, int], name: bytes) -> None:
    """The body belongs to its request and is not read as the next one."""
    body = b"GET /other HTTP/1.1\r\nHost: here\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\n" + name + b": h2c\r\n"
    with socket.create_connection(address) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body))
        connection.sendall(body)
        assert all_of(connection).count(b"200 OK") == 1


@pytest.mark.slow  # it waits a second
def test_silence_after_a_late_body_is_limited(address: tuple[str, int]) -> None:
    """A body that comes after its answer does not keep the connection for ever."""
    with socket.create_connection(address) as connection:
        connection.sendall(REQUEST.replace(b"GET", b"POST")[:-2] + b"Content-Length: 4\r\n\r\n")
        connection.settimeout(30)
        answer = connection.recv(65_536)
        assert b"200 OK" in answer
        connection.sendall(b"late")
        all_of(connection)  # returns: the other side closes


def test_a_head_that_is_too_large_is_refused_in_one_piece_too(address: tuple[str, int]) -> None:
    """In this test all of it arrives at once."""
    with socket.create_connection(address) as connection:
        connection.sendall(REQUEST[:-2] + b"X: " + b"x" * 2 * MAX_HEAD_BYTES + b"\r\n\r\n")
        assert b" 200 " not in received_or_reset(connection)


@pytest.mark.parametrize("hosts", [b"", b"Host: here\r\nHost: there\r\n"])
def test_a_request_names_one_host(address: tuple[str, int], hosts: bytes) -> None:
    """No host and two hosts get 400 (RFC 9112, 3.2)."""
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n")
        assert all_of(connection).startswith(b"HTTP/1.1 400 ")


def test_http_1_0_needs_no_host(address: tuple[str, int]) -> None:
    """HTTP/1.0 has no Host header."""
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b" 200 OK" in all_of(connection)


def test_a_caller_that_closed_its_side_is_answered(address: tuple[str, int]) -> None:
    """A caller may close its side once it has sent its request."""
    with socket.create_connection(address) as connection:
        connection.sendall(REQUEST)
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection).endswith(b"here")


def test_a_caller_that_never_reads_is_disconnected(address: tuple[str, int]) -> None:
    """Its unread answers do not fill the memory for ever."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(address)
        connection.settimeout(30)
        large = REQUEST.replace(b"/ ", b"/4000000 ", 1)
        with pytest.raises(ConnectionError):
            connection.sendall(large * 1_000_000)
    with socket.create_connection(address) as connection:
        connection.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert all_of(connection).endswith(b"here")


def received_or_reset(connection: socket.socket) -> bytes:
    """Return the bytes that come, or none if the other side has left midway."""
    try:
        return all_of(connection)
    except ConnectionResetError:
        return b""


class EmptyFastPath:
    """A fast path that takes no request."""

    urls: list[bytes]

    def __init__(self) -> None:
        self.urls = []
        self.app = here

    def target(self, url: bytes, _: dict[bytes, bytes]) -> None:
        """Record the URL."""
        self.urls.append(url)


class OpenConnection(Recorder):
    """A connection without further information."""

    def is_closing(self) -> bool:
        """Return False."""
        return False

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return the default."""
        return default


def test_a_caller_that_does_not_read_does_not_get_the_fast_path() -> None:
    """Answers would fill the memory; the ASGI route waits until some have been read."""
    fast_path = EmptyFastPath()
    post = REQUEST.replace(b"GET", b"POST")

    async def scenario() -> None:
        config = uvicorn.Config(
            here, lifespan="off", log_config=None, proxy_headers=False, ws="none"
        )
        state = ServerState()
        protocol = HttpProtocol(
            config=config, server_state=state, app_state={"fast_path": fast_path}
        )
        protocol.connection_made(OpenConnection())
        protocol.data_received(post.replace(b"/", b"/1", 1))
        await asyncio.gather(*state.tasks)
        protocol.pause_writing()
        protocol.data_received(post.replace(b"/", b"/2", 1))
        protocol.resume_writing()
        await asyncio.gather(*state.tasks)
        protocol.data_received(post.replace(b"/", b"/3", 1))
        await asyncio.gather(*state.tasks)
        protocol.connection_lost(None)

    asyncio.run(scenario())
    assert fast_path.urls == [b"/1", b"/3"]


def test_later_heads_have_the_limits_of_the_first(address: tuple[str, int]) -> None:
    """The size and the ignored headers are the same; earlier bytes do not count."""
    offer = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    large = REQUEST.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n")
    body = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000
    with socket.create_connection(address) as connection:
        for sent in (REQUEST, offer, offer):
            connection.sendall(sent)
            assert connection.recv(65_536).endswith(b"here")
        connection.sendall(body + REQUEST[:20])
        assert connection.recv(65_536).endswith(b"here")
        connection.sendall(REQUEST[20:])
        assert connection.recv(65_536).endswith(b"here")
        connection.sendall(large)
        assert all_of(connection).startswith(b"HTTP/1.1 400 ")


def connection_after(*pieces: bytes, others: int = 0) -> list[bytes | str]:
    """Return what is done on a connection that gets these pieces, beside others."""
    connection = OpenConnection()

    async def scenario() -> None:
        config = uvicorn.Config(
            here, lifespan="off", log_config=None, proxy_headers=False, timeout_keep_alive=75
        )
        state = ServerState()
        state.connections.update(Mock() for _ in range(others))
        protocol = HttpProtocol(config=config, server_state=state, app_state={})
        protocol.connection_made(connection)
        for piece in pieces:
            protocol.data_received(piece)
            await asyncio.gather(*state.tasks)
        protocol.connection_lost(ConnectionResetError())
        protocol.timeout_keep_alive_task = None

    asyncio.run(scenario())
    return connection.done


def test_blank_lines_do_not_keep_a_connection_for_ever() -> None:
    """Some clients send one after a body; one that sends many has nothing to ask."""
    blanks = [b"\r\n"] * MAX_BLANKS
    assert "closed" not in connection_after(REQUEST, *blanks, REQUEST, *blanks)
    assert "closed" in connection_after(REQUEST, *blanks, b"\r\n")


@pytest.mark.parametrize(("others", "kept"), [(0, 75), (MANY_CONNECTIONS + 1, CROWDED_SECONDS)])
def test_in_a_crowd_idle_connections_are_kept_for_a_shorter_time(others: int, kept: int) -> None:
    """They must not use up all files that a process may open; the answer says how long it is."""
    head = next(x for x in connection_after(REQUEST, others=others) if isinstance(x, bytes))
    assert b"keep-alive: timeout=%d\r\n" % kept in head
