"""The door: starts the model processes of a service, and connects to them.

All workers of a service share a folder, and by it the processes: whoever needs one first starts it.
"""

import fcntl
import os
import socket
import subprocess
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple
from weakref import WeakSet

import msgspec

from model_store.errors import PredictionError, RefusedError
from model_store.first_load import limits, python_process
from model_store.first_load.process import START_SECONDS
from model_store.manifest import Manifest
from model_store.model_process.messages import (
    Leave,
    Loaded,
    Refused,
    Start,
    encode,
    received,
)
from model_store.model_process.shared_folder import shared_folder
from model_store.store import LoadPolicy

MOST_CRASHES = 5
"""A model whose process has ended so often within CRASH_SECONDS is not started any more."""
CRASH_SECONDS = 60.0
_CLOSE_SECONDS = 2.0
_LEAVE_SECONDS = 1.0
_POLL_SECONDS = 0.01
_MOST_WAITING = 128
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Connected(NamedTuple):
    """A connection to a process that has loaded its model."""

    connection: Connection
    loaded: Loaded


class ModelProcesses:
    """The model processes of a service.

    Args:
        most: how many there may be at once, of all workers together. The one that was not asked for
            the longest time leaves for another.
        answer_seconds: how long an answer may take.
        folder: shared by the workers of the service; one of its own if left out.
    """

    def __init__(self, most: int, answer_seconds: float, folder: Path | None = None) -> None:
        self.answer_seconds = answer_seconds
        self._most = most
        self._folder = folder
        self._own = ExitStack()
        self._lock = threading.Lock()
        self._connections: WeakSet[Connection] = WeakSet()
        self._started: list[subprocess.Popen[bytes]] = []
        self._crashes: defaultdict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=MOST_CRASHES)
        )

    def start_for(self, folder: Path, manifest: Manifest, policy: LoadPolicy) -> Start:
        """Return how to start the process of a version, whose seal and types were checked."""
        size = sum(file.size for file in manifest.files)
        return Start(
            folder=str(folder.absolute()),
            model=manifest.model,
            version=manifest.version,
            checksum=manifest.checksum,
            formats=sorted(policy.formats),
            trusted_types=list(policy.trusted_types),
            load_seconds=3 * limits.seconds_for(size),
            answer_seconds=self.answer_seconds,
            memory_bytes=limits.memory_for(size),
            # The system allows it a hundred characters.
            address=str(self._shared() / f"{manifest.checksum[:16]}.socket"),
        )

    def connect(self, start: Start) -> Connected:
        """Return a connection to the process of a version, which is started if there is none.

        Raises:
            RefusedError: the version cannot be loaded.
            PredictionError: its process ends again and again.
            OSError: no process can be started.
        """
        while True:
            self._check_crashes(start)
            with _locked(f"{start.address}.lock"):
                connection = _connection(start.address) or self._new(start)
            try:
                message = received(connection, start.load_seconds + START_SECONDS)
            except (EOFError, OSError, msgspec.MsgspecError):
                connection.close()
                self.note_crash(start)
                continue
            if isinstance(message, Loaded):
                self._connections.add(connection)
                return Connected(connection, message)
            connection.close()
            if isinstance(message, Refused):
                raise RefusedError(message.reason)

    def note_crash(self, start: Start) -> None:
        """Take note that the process of a version has ended without being asked to."""
        self._crashes[start.address].append(time.monotonic())

    def close(self) -> None:
        """Disconnect, and end the processes that were started here."""
        for connection in self._connections:
            # A thread may wait for an answer, so that the descriptor stays its own.
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
                end.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + _CLOSE_SECONDS
        for process in self._started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            python_process.kill(process)
            process.wait()
        self._own.close()

    def _check_crashes(self, start: Start) -> None:
        crashes = self._crashes[start.address]
        if len(crashes) == MOST_CRASHES and time.monotonic() - crashes[0] < CRASH_SECONDS:
            raise PredictionError(
                f"The process of this model has ended {MOST_CRASHES} times within "
                f"{CRASH_SECONDS:.0f} s, and is not asked for a while: use another version."
            )

    def _shared(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = self._own.enter_context(shared_folder())
            return self._folder

    def _new(self, start: Start) -> Connection:
        """Start a process, and return the first connection to it."""
        with ExitStack() as closing:
            place = self._place()
            closing.callback(os.close, place)
            with suppress(FileNotFoundError):
                Path(start.address).unlink()
            listener = closing.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(start.address)
            listener.listen(_MOST_WAITING)
            connection = _connected(start.address)
            process = python_process.start(
                "model_store.model_process.child",
                stdout=subprocess.DEVNULL,
                environment={name: os.environ.get(name, "1") for name in _THREADS},
                descriptors=(listener.fileno(), place),
            )
            # One that ends at once is noticed by who waits for its first word.
            with suppress(OSError), process.stdin as stdin:  # type: ignore[union-attr]
                stdin.write(msgspec.json.encode((start, listener.fileno())))
        with self._lock:
            self._started = [each for each in self._started if each.poll() is None]
            self._started.append(process)
        return connection

    def _place(self) -> int:
        """Return the descriptor of a place; it is taken as long as any copy of it is open."""
        next_leaves = 0.0
        while (place := self._free_place()) is None:
            if time.monotonic() >= next_leaves:
                self._make_room()
                # It was heard to end, and its place is free an instant later.
                next_leaves = time.monotonic() + _LEAVE_SECONDS
            else:
                time.sleep(_POLL_SECONDS)
        return place

    def _free_place(self) -> int | None:
        for number in range(self._most):
            place = _opened(str(self._shared() / f"place-{number}"))
            with suppress(BlockingIOError):
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return place
            os.close(place)
        return None

    def _make_room(self) -> None:
        """Have the process leave that was not asked for the longest time."""
        sockets = sorted(self._shared().glob("*.socket"), key=lambda path: path.stat().st_mtime)
        for address in map(str, sockets):
            if connection := _connection(address):
                with connection, suppress(OSError, EOFError):
                    connection.send_bytes(encode(Leave()))
                    while True:
                        connection.recv_bytes()
                return


def _connection(address: str) -> Connection | None:
    """Return a connection to the process that listens there; None if none does."""
    try:
        return _connected(address)
    except (ConnectionRefusedError, FileNotFoundError):
        return None


def _connected(address: str) -> Connection:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        return Connection(client.detach())


def _opened(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """Keep all others out who lock this file."""
    file = _opened(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
