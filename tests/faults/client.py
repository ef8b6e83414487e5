"""A connection of a client: HTTP/1.1 as little as it takes, so that few processors load a service.

Python's own client takes longer for an answer than the service does.
"""

import socket
from typing import NamedTuple


class Response(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    """The headers by their names in small letters."""
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of a header, or None."""
        return self.headers.get(name.lower())


class Connection:
    """One connection to this machine, which is kept alive, and opened again where it was closed.

    Every method raises `OSError` where the connection breaks, and is then closed.
    """

    def __init__(self, port: int, timeout_seconds: float) -> None:
        self._port = port
        self._timeout_seconds = timeout_seconds
        self._socket: socket.socket | None = None
        self._received = b""

    def connect(self) -> None:
        """Connect, unless it is connected."""
        if self._socket is None:
            self._received = b""
            address = ("127.0.0.1", self._port)
            self._socket = socket.create_connection(address, self._timeout_seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def exchange(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        """Send a request and return the answer to it; `X_Request_ID` is sent as `X-Request-ID`."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        try:
            self.connect()
            assert self._socket
            self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            response = self._read()
        except OSError:
            self.close()
            raise
        if response.header("Connection") == "close":
            self.close()
        return response

    def _read(self) -> Response:
        head = self._read_until(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        named = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in named}
        size = int(headers.get("content-length", "0"))
        while len(self._received) < size:
            self._receive()
        body, self._received = self._received[:size], self._received[size:]
        return Response(int(status.split(" ", 2)[1]), headers, body)

    def _read_until(self, end: bytes) -> bytes:
        while end not in self._received:
            self._receive()
        found, self._received = self._received.split(end, 1)
        return found

    def _receive(self) -> None:
        assert self._socket
        part = self._socket.recv(1 << 16)
        if not part:
            raise ConnectionError("The connection was closed before the answer was whole.")
        self._received += part
