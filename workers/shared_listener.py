"""Takes connections from a socket that other processes take connections from, too."""

import asyncio
import socket
from collections.abc import Callable, Collection

from api.server.server import NewProtocol

LEAVE_SECONDS = 0.001
"""How long a connection is left to others that have fewer."""
FULL_SECONDS = 1.0
"""How long not to try again after the system had no room for another connection."""
NOTE_SECONDS = 0.1


class SharedListener:
    """Takes one connection at a time, and none for a moment where another worker has fewer.

    A server of the event loop takes all that wait: of sixty-four connections that a client opened
    at once, one worker of two then had up to sixty-three. What the others do not take in that
    moment, as they hang or have ended, is not lost.

    Args:
        listener: The socket.
        new_protocol: Makes what serves a connection.
        connections: Those that are open.
        has_its_share: Notes how many this worker has; returns whether another one has fewer.
    """

    def __init__(
        self,
        listener: socket.socket,
        new_protocol: NewProtocol,
        connections: Collection[object],
        has_its_share: Callable[[int], bool],
    ) -> None:
        self._listener = listener
        self._new_protocol = new_protocol
        self._connections = connections
        self._has_its_share = has_its_share
        self._loop = asyncio.get_running_loop()
        self._arriving: set[asyncio.Task[object]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._task = self._loop.create_task(self._note())
        listener.setblocking(False)
        self._listen()

    def close(self) -> None:
        """Take no more."""
        self._task.cancel()
        if self._later:
            self._later.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()

    async def wait_closed(self) -> None:
        """Wait until what was taken has reached its protocol."""
        await asyncio.gather(*self._arriving, return_exceptions=True)

    def _listen(self) -> None:
        self._loop.add_reader(self._listener, self._consider)

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listener)
        self._later = self._loop.call_later(seconds, then)

    def _consider(self) -> None:
        if self._has_enough():
            self._pause(LEAVE_SECONDS, self._take_what_is_left)
        else:
            self._take()

    def _take_what_is_left(self) -> None:
        self._listen()
        self._take()

    def _take(self) -> None:
        try:
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (BlockingIOError, ConnectionError):
            # Another process was faster, or the client has left.
            return
        except OSError:
            # Too many open files, most likely: those that wait would wake us for nothing.
            self._pause(FULL_SECONDS, self._listen)
            return
        task = self._loop.create_task(
            self._loop.connect_accepted_socket(self._new_protocol, connection)
        )
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)
        self._has_enough()

    def _has_enough(self) -> bool:
        return self._has_its_share(len(self._connections) + len(self._arriving))

    async def _note(self) -> None:
        # For the others: connections also end.
        while True:
            self._has_enough()
            await asyncio.sleep(NOTE_SECONDS)
