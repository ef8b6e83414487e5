"""HTTP as uvicorn speaks it, with limits that it lacks: how long a head may take, and how large.

The head of a request is its line and headers. Bodies have limits of their own in `api.http.body`.
"""

import asyncio
import re
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.server.fast_path import FastPath, Target
from api.server.head_coalescing import HeadCoalescer

HEAD_SECONDS = 10.0
WRITE_SECONDS = 10.0
"""How long a caller may leave what was sent unread, once the buffers are full."""
MAX_HEAD_BYTES = 65_536
MANY_CONNECTIONS = 1_000
"""While more are open, a new one is kept for a shorter time: idle ones must not use up all files.

More than the pools of proxies hold."""
CROWDED_SECONDS = 5
MAX_BLANKS = 10
"""So many pieces of blank lines an idle connection may send, which each keep it open."""
_TOO_LARGE = "The head of the request is too large."
_AUTHORITY = re.compile(rb"[^/?#@]+(?=[/?#]|$)")
_UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:", re.IGNORECASE)


class HttpProtocol(HttpToolsProtocol):
    """Closes connections that stay silent, or whose head is never complete."""

    head_seconds = HEAD_SECONDS
    write_seconds = WRITE_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._head_open = True
        self._message_open = False
        self._messages_begun = 0
        """In the piece that is being parsed."""
        self._blanks = 0
        """Pieces without a message, since the last one."""
        self._invalid = ""
        """Why what follows the requests that are being answered is not HTTP."""
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        fast_path: FastPath | None = self.app_state.get("fast_path")
        # Where the app was wrapped, every request must pass what it was wrapped in.
        self._fast_path = fast_path if fast_path and fast_path.app is self.app else None
        self._target: Target | None = None
        """The target to answer by the fast path once the body is here; else uvicorn has a cycle."""
        self._fields: dict[bytes, bytes] = {}
        self._body = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        if len(self.connections) > MANY_CONNECTIONS:
            self.timeout_keep_alive = min(self.timeout_keep_alive, CROWDED_SECONDS)
        keep_alive = b"keep-alive: timeout=%d\r\n" % self.timeout_keep_alive
        wrapped = HeadCoalescer(transport, keep_alive)
        super().connection_made(cast("asyncio.Transport", wrapped))
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_timer()
        self._stop_write_timer()
        if service := self.app_state.get("service"):
            for cycle, _ in self.pipeline:
                service.middleware.abandoned(cycle.scope)
            if self._invalid:
                service.middleware.refused(HTTPStatus.BAD_REQUEST)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for a reader that does not keep up, but not for ever."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that the reader goes on."""
        self._stop_write_timer()
        super().resume_writing()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Keep the connection of a caller who has sent all and still listens; return whether."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            return False
        cycle.keep_alive = False
        return True

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, after the answers to all that came before it."""
        if self._invalid:
            return
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._refuse(msg)
        elif not cycle.more_body:
            self._invalid = msg
        elif self.pipeline:
            # It waits for those before it; its own body is what is not HTTP.
            self.pipeline.popleft()
            self._invalid = msg
        else:
            cycle.scope["state"]["refused"] = HTTPStatus.BAD_REQUEST
            super().send_400_response(msg)
        if self._invalid:
            self._stop_timer()
            self.flow.pause_reading()

    def _refuse(self, msg: str) -> None:
        self._invalid = ""
        if service := self.app_state.get("service"):
            service.middleware.refused(HTTPStatus.BAD_REQUEST)
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait for the rest of a head that it left open."""
        if self._invalid:
            return
        fresh = not self._message_open
        if self._head_open or fresh:
            end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
            # The parser would take a head of any size that comes in one piece.
            if end < 0 and len(data) > MAX_HEAD_BYTES:
                self.send_400_response(_TOO_LARGE)
                return
            data = _without_upgrade(data, end if end >= 0 else len(data))
        self._parse(data, fresh=fresh)

    def _parse(self, data: bytes, *, fresh: bool) -> None:
        self._messages_begun = 0
        super().data_received(data)
        if self._invalid:
            return
        if self._target:
            # The rest of the body is on its way, and may never come.
            self._leave_to_route()
        if not self._head_open:
            if fresh and not self._messages_begun:
                self._blanks += 1
            self._keep_limit()
            return
        # A head that began behind other messages is counted from the next piece on.
        if self._messages_begun <= fresh:
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(_TOO_LARGE)
        # Nearly every head comes whole, and costs no timer.
        elif self._head_timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        """Note that a head has begun."""
        self._head_open = self._message_open = True
        self._messages_begun += 1
        self._blanks = 0
        self._head_bytes = 0
        # One that follows an answer in the same piece must not be cut off as silence.
        self._unset_keepalive_if_required()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer, which follows the body, is ignored."""
        if self._head_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that the head is complete.

        Raises:
            ValueError: it names no host, or several; the parser makes a refusal of it.
        """
        self._head_open = False
        self._stop_timer()
        headers = self.headers
        version = self.parser.get_http_version()
        if b"://" in self.url and not self.url.startswith(b"/"):
            self._take_whole_target()
        fields = dict(headers)
        if b"host" not in fields:
            if version == "1.1":
                raise ValueError
        elif len(fields) < len(headers) and sum(name == b"host" for name, _ in headers) > 1:
            raise ValueError
        if (
            self._fast_path
            # Many refusals in one piece take turns with others.
            and self._messages_begun <= 1
            # A caller that does not read must not fill the memory with answers: the route waits.
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)
            and len(fields) == len(headers)
            and version == "1.1"
            and self.parser.get_method() == b"POST"
        ):
            self._fields = fields
            self._target = self._fast_path.target(self.url, fields)
        if not self._target:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._target:
            self._body = self._body + body if self._body else body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer, or note that the request is complete."""
        self._message_open = False
        if self._target and self._fast_path:
            fast_response = self._fast_path.answer(self._target, self._fields, self._body, self)
            if fast_response:
                self.cycle = cast("RequestResponseCycle", fast_response)
                self._target, self._body = None, b""
                return
            self._leave_to_route()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Send what is left of the answer, and go on."""
        cast("HeadCoalescer", self.transport).flush()
        if self._invalid and not self.pipeline:
            self._refuse(self._invalid)
        else:
            super().on_response_complete()

    def _take_whole_target(self) -> None:
        """Take host and path of a target such as a proxy is sent: its host counts (RFC 9112).

        Raises:
            ValueError: it names no host, or a user.
        """
        scheme, _, rest = self.url.partition(b"://")
        found = _AUTHORITY.match(rest)
        if scheme.lower() not in {b"http", b"https"} or not found:
            raise ValueError
        self.url = rest[found.end() :] or b"/"
        if not self.url.startswith(b"/"):
            self.url = b"/" + self.url
        # In place: the scope has this list.
        self.headers[:] = [
            (name, found[0] if name == b"host" else value) for name, value in self.headers
        ]
        if all(name != b"host" for name, _ in self.headers):
            if self.parser.get_http_version() == "1.1":
                raise ValueError
            self.headers.append((b"host", found[0]))

    def _leave_to_route(self) -> None:
        body = self._body
        self._target, self._body = None, b""
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _keep_limit(self) -> None:
        """Limit the silence after a body that came after its answer; uvicorn forgets to."""
        answered = self.cycle is not None and self.cycle.response_complete
        if self._blanks > MAX_BLANKS:
            self.transport.close()
        elif answered and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _unsupported_upgrade_warning(self) -> None:
        # An upgrade offer in pieces: what follows could be taken for a request of its own.
        self.transport.close()

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self.transport.close)

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _without_upgrade(data: bytes, end: int) -> bytes:
    """Return a piece without the offer to speak another protocol, if its head has one."""
    if not _UPGRADE.search(data, 0, end):
        return data
    # We speak HTTP/1.1 alone, and may ignore the offer; the parser would skip the body.
    return _UPGRADE.sub(b"\r\nX-Ignored-Upgrade:", data[:end]) + data[end:]
