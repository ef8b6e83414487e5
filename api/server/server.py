"""Runs the service under uvicorn, on a socket that is bound already, until a stop is requested."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI

from api.observe.structured_log import ForwardingHandler, StructuredLog
from api.server import signals
from api.server.protocol import HttpProtocol
from api.state import State
from settings.settings import Settings

NewProtocol = Callable[[], asyncio.Protocol]
Accept = Callable[[NewProtocol, Collection[object]], object]
"""Accepts connections, each for a new protocol, and counts the open ones."""


DRAIN_SECONDS = 0.25
"""How long requests are refused before connections close: a cut connection gives no reason."""


class Server(uvicorn.Server):
    """uvicorn, which calls back when it is ready, and exits with 0 when a stop is requested."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[State], None],
        events: StructuredLog,
        accept: Accept | None = None,
    ) -> None:
        super().__init__(config)
        self._events = events
        self._accept = accept
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call back."""
        await super().startup(sockets)
        if not self.started:
            return
        fast_path = self.lifespan.state["fast_path"]
        if fast_path and fast_path.app is not self.config.loaded_app:
            kind = type(self.config.loaded_app).__name__
            self._events.info("fast-path-off", reason=f"The app was wrapped in {kind}.")
        if self._accept:
            # uvicorn asks no more of it than that it closes.
            server = self._accept(self._new_protocol, self.server_state.connections)
            self.servers.append(cast("asyncio.Server", server))
        self._on_ready(self.lifespan.state["service"])

    def _new_protocol(self) -> asyncio.Protocol:
        state, app_state = self.server_state, self.lifespan.state
        return HttpProtocol(config=self.config, server_state=state, app_state=app_state)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take the service out of rotation, finish what is in flight, stop."""
        if self.started:
            self.lifespan.state["service"].batcher.drain()
        super().handle_exit(sig, frame)

    def handle_reload(self, *_: object) -> None:
        """Have the store looked at at once."""
        if self.started:
            self.lifespan.state["service"].reloader.look_now()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse requests that are on their way for a moment, then close."""
        if self.server_state.connections:
            await asyncio.sleep(DRAIN_SECONDS)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving. uvicorn's own would raise them again afterwards."""
        before = signals.handle(
            {
                signals.STOPPING: self.handle_exit,
                signals.RELOADING: self.handle_reload,
                signals.SURVIVED: None,
            }
        )
        try:
            yield
        finally:
            signals.restore(before)


def run(
    app: FastAPI,
    listener: socket.socket | Accept,
    settings: Settings,
    events: StructuredLog,
    on_ready: Callable[[State], None],
) -> bool:
    """Serve until a stop is requested; return whether the service ever started.

    Connections come from the socket, or from what takes this process's part of them.
    """
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[ForwardingHandler(events)], level=logging.WARNING, force=True)
    config = uvicorn.Config(
        app,
        access_log=False,
        http=HttpProtocol,
        lifespan="on",
        log_config=None,
        loop="uvloop",
        # A caller that may choose its address would have more tries at passwords.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.service_keep_alive_seconds,
        timeout_graceful_shutdown=settings.service_shutdown_seconds,
        ws="none",
    )
    sockets, accept = ([listener], None) if isinstance(listener, socket.socket) else ([], listener)
    server = Server(config, on_ready, events, accept)
    # uvicorn leaves by itself, with a code of its own, when the lifespan fails.
    with contextlib.suppress(SystemExit):
        server.run(sockets=sockets)
    return server.started
