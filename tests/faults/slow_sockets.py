"""Clients that hold a connection without progress: silent, slow, or never reading."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from tests.api.server_process import PATIENCE_SECONDS

DRIP_SECONDS = 3.0
_HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_BODY = b'[{"a": 1, "b": 2}, {"a": 3, "b": 4}]'
_LARGE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""Over a megabyte is the answer; several do not fit in the buffers of a connection."""
SMALL_BUFFER_BYTES = 2048
LONG_BYTES = 2_000_000

Begin = Callable[[int], socket.socket]


def silent(port: int) -> socket.socket:
    """Say nothing."""
    return socket.create_connection(("127.0.0.1", port))


def half_a_head(port: int) -> socket.socket:
    """Begin a request, and say no more."""
    return _having_sent(port, _HEAD[:40])


def dripping_head(port: int) -> socket.socket:
    """Begin a request; its head goes on byte by byte."""
    return _having_sent(port, _HEAD[:20])


def dripping_body(port: int) -> socket.socket:
    """Send a head; its body follows byte by byte."""
    return _having_sent(port, _HEAD + b"Content-Length: %d\r\n\r\n" % len(_BODY))


def half_a_body(port: int) -> socket.socket:
    """Send a head and a part of its body, and say no more."""
    return _having_sent(port, _HEAD + b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY[:9])


def half_a_long_body(port: int) -> socket.socket:
    """Send nearly all of a body that is as long as it may be, and say no more."""
    client = _having_sent(port, _HEAD + b"Content-Length: %d\r\n\r\n[" % LONG_BYTES)
    # It may be refused while it is being sent.
    with contextlib.suppress(OSError):
        client.sendall(b" " * (LONG_BYTES - 100))
    return client


def not_reading(port: int) -> socket.socket:
    """Ask for more than the buffers hold, and read nothing of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
    client.connect(("127.0.0.1", port))
    client.sendall(_LARGE * 6)
    return client


KINDS: tuple[Begin, ...] = (
    silent,
    half_a_head,
    dripping_head,
    half_a_body,
    dripping_body,
    not_reading,
)
_DRIPS = {dripping_head: _HEAD[20:], dripping_body: _BODY}


class SlowClients:
    """So many clients of each kind, while it is entered.

    Args:
        port: where the service listens on this machine.
        each: how many clients of each kind.
    """

    def __init__(self, port: int, each: int) -> None:
        self.sockets = {kind: [kind(port) for _ in range(each)] for kind in KINDS}
        self.began = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for client in self._all():
            client.close()

    def received(self, kind: Begin) -> list[bytes]:
        """Return the bytes that clients of a kind received until they were closed."""
        return [_read(client) for client in self.sockets[kind]]

    def _drip(self) -> None:
        at = 0
        while not self._stop.wait(DRIP_SECONDS):
            for kind, text in _DRIPS.items():
                for client in self.sockets[kind]:
                    # It may have been closed by now, as it should.
                    with contextlib.suppress(OSError):
                        client.send(text[at : at + 1])
            at += 1

    def _all(self) -> Sequence[socket.socket]:
        return [client for clients in self.sockets.values() for client in clients]


def _having_sent(port: int, text: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(text)
    return client


def _read(client: socket.socket) -> bytes:
    """Return what comes up to the end of the connection.

    Raises:
        TimeoutError: it stays open.
    """
    received = b""
    client.settimeout(PATIENCE_SECONDS)
    while True:
        try:
            part = client.recv(65536)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part
