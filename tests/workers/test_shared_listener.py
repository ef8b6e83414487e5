"""Workers share connections: none is lost, and the worker with fewer takes the next one."""

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from api.server.listening import listen
from tests.api.server_process import PATIENCE_SECONDS
from workers import shared_listener
from workers.shared_listener import SharedListener


class Connections:
    """What a worker has taken."""

    def __init__(self) -> None:
        self.open: set[asyncio.Protocol] = set()
        self.first = asyncio.Event()

    def new_protocol(self) -> asyncio.Protocol:
        """Return a protocol that is counted once it is connected."""
        connections = self

        class Counted(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                connections.open.add(self)
                connections.first.set()
                transport.close()

        return Counted()


def run(part: Callable[[int], bool], listener: socket.socket | None = None) -> int:
    """Offer one connection to a worker; return how many it has in the end."""

    async def offer() -> int:
        with closing(listener or listen("127.0.0.1", 0)) as here:
            taken = Connections()
            shared = SharedListener(here, taken.new_protocol, taken.open, part)
            with socket.create_connection(here.getsockname()):
                await asyncio.wait_for(taken.first.wait(), PATIENCE_SECONDS)
            shared.close()
            await shared.wait_closed()
            return len(taken.open)

    return asyncio.run(offer())


def test_a_connection_is_taken() -> None:
    """The number of the worker's connections is noted."""
    noted: list[int] = []

    def has_its_share(connections: int) -> bool:
        noted.append(connections)
        return False

    assert run(has_its_share) == 1
    assert noted[0] == 0
    assert noted[-1] == 1


def test_a_connection_that_other_workers_leave_is_taken() -> None:
    """Another worker with fewer connections may hang: after a moment it is passed over."""
    assert run(lambda _: True) == 1


def test_a_connection_that_another_worker_takes_is_not_taken() -> None:
    """A worker that has its part leaves a connection to them first."""

    async def offer() -> tuple[int, int]:
        with listen("127.0.0.1", 0) as here:
            many, few = Connections(), Connections()
            # The other one listens on the same socket, as a fork of this process would.
            listeners = [
                SharedListener(here.dup(), many.new_protocol, many.open, lambda _: True),
                SharedListener(here.dup(), few.new_protocol, few.open, lambda _: False),
            ]
            with socket.create_connection(here.getsockname()):
                await asyncio.wait_for(few.first.wait(), PATIENCE_SECONDS)
            await asyncio.sleep(10 * shared_listener.LEAVE_SECONDS)
            for listener in listeners:
                listener.close()
                await listener.wait_closed()
            return len(many.open), len(few.open)

    assert asyncio.run(offer()) == (0, 1)


class FullSocket(socket.socket):
    """A listening socket in a process that has too many files open, once."""

    full = True

    def accept(self) -> tuple[socket.socket, Any]:
        if self.full:
            self.full = False
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_a_connection_waits_while_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not lost, and does not wake the worker all the time meanwhile."""
    monkeypatch.setattr(shared_listener, "FULL_SECONDS", 0.01)
    with listen("127.0.0.1", 0) as plain:
        full = FullSocket(fileno=plain.detach())
    assert run(lambda _: False, full) == 1
    assert not full.full


def test_a_closed_listener_refuses() -> None:
    """It refuses new connections at once and leaves nothing on the event loop."""

    async def close() -> tuple[str, int]:
        here = listen("127.0.0.1", 0)
        address: tuple[str, int] = here.getsockname()
        shared = SharedListener(here, asyncio.Protocol, [], lambda _: False)
        shared.close()
        await shared.wait_closed()
        return address

    address = asyncio.run(close())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
