"""The model process: loads an estimator, and answers all who connect, one question at a time.

It answers from a copy of itself. Where the estimator hangs or crashes there, the next copy is made,
with the estimator as it was loaded, in an instant. All ends when nobody is connected any more, so
that no process is left behind by a service that was killed.
"""

import gc
import importlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import msgspec

from model_store.errors import ModelStoreError, PredictionError, RefusedError
from model_store.first_load import limits
from model_store.model_process.messages import (
    Answered,
    Failed,
    Leave,
    Leaving,
    Loaded,
    Question,
    Refused,
    Start,
    columns_of,
    decode_question,
    encode,
    packed,
)
from model_store.predictor import Predictor
from model_store.store import LoadPolicy

CONNECT_SECONDS = 60
"""How long it waits for somebody to connect anew, after a copy of it has ended."""


def main() -> None:
    """Read what to do from standard input: a `Start`, and the descriptor of a listening socket."""
    start, descriptor = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[Start, int])
    # What a model prints is no answer.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    _run(start, descriptor)
    # What an estimator has registered for the end is not run.
    os._exit(0)


def _run(start: Start, descriptor: int) -> None:
    """Load, then answer from one copy after the other, until one ends well."""
    loading = importlib.import_module("model_store.loading")
    with socket.socket(fileno=descriptor) as listener:
        try:
            opened, predictor = _loaded(loading, start)
        except (ModelStoreError, MemoryError) as error:
            _refuse(Clients(listener), error, start)
            return
        # What is here now stays; collecting it in the copies would copy its memory, too.
        gc.freeze()
        listener.settimeout(CONNECT_SECONDS)
        while clients := _next_clients(listener):
            copy = os.fork()
            if copy == 0:
                with _copy():
                    _check_and_serve(clients, loading, opened, predictor, start)
            clients.forget()
            if os.waitpid(copy, 0)[1] == 0:
                return


def _loaded(loading: Any, start: Start) -> tuple[Any, Predictor]:
    """Return a version, and its estimator, which was not asked anything yet.

    Raises:
        ModelStoreError: it cannot be loaded here.
    """
    opened = loading.open_bundle(Path(start.folder), start.model, start.version)
    if opened.manifest.checksum != start.checksum:
        raise RefusedError("It changed while it was loaded: publish again.")
    policy = LoadPolicy(frozenset(start.formats), tuple(start.trusted_types))
    loading.check_estimator(opened, policy)
    loading.import_for(opened)
    limits.limit(
        cpu_seconds=None,
        wall_seconds=start.load_seconds,
        memory_bytes=start.memory_bytes,
        may_import=True,
    )
    predictor: Predictor = loading.read_estimator(opened, policy)
    signal.alarm(0)
    return opened, predictor


def _next_clients(listener: socket.socket) -> "Clients | None":
    """Wait for somebody to connect; return None if nobody does."""
    try:
        return Clients(listener)
    except TimeoutError:
        return None


@contextmanager
def _copy() -> Iterator[None]:
    """End this copy, well or not, and run nothing of what an estimator has registered for it."""
    try:
        yield
        os._exit(0)
    finally:
        os._exit(1)


def _refuse(clients: "Clients", error: Exception, start: Start) -> None:
    lacks_memory = f"Its estimator needs more than {start.memory_bytes >> 20} MiB of memory."
    reason = lacks_memory if isinstance(error, MemoryError) else str(error)
    clients.tell_all(encode(Refused(reason)))


def _check_and_serve(
    clients: "Clients", loading: Any, opened: Any, predictor: Predictor, start: Start
) -> None:
    """Answer, if the estimator gives the golden answers.

    It is asked in copies alone: what libraries start at the first call survives no copying.
    """
    signal.alarm(start.load_seconds)
    try:
        loading.check_golden(opened, predictor)
    except (ModelStoreError, MemoryError) as error:
        _refuse(clients, error, start)
        return
    signal.alarm(0)
    _serve(clients, predictor, start)


class Clients:
    """Those who are connected."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._connections: list[Connection] = [self._accepted()]

    def forget(self) -> None:
        """Leave them to a copy of this process."""
        for connection in self._connections:
            connection.close()

    def tell(self, connection: Connection, message: bytes) -> None:
        """Tell one of them something, who may be gone."""
        with suppress(OSError):
            connection.send_bytes(message)

    def tell_all(self, message: bytes) -> None:
        """Tell all of them something."""
        for connection in self._connections:
            self.tell(connection, message)

    def __iter__(self) -> Any:
        """Yield connections and their messages while there are any; of a new one, an empty one."""
        yield self._connections[0], b""
        while self._connections:
            for ready in wait([self._listener, *self._connections]):
                if ready is self._listener:
                    self._connections.append(self._accepted())
                    yield self._connections[-1], b""
                elif isinstance(ready, Connection):
                    try:
                        message = ready.recv_bytes()
                    except (EOFError, OSError):
                        self._connections.remove(ready)
                        ready.close()
                    else:
                        yield ready, message

    def _accepted(self) -> Connection:
        connection, _ = self._listener.accept()
        connection.setblocking(True)
        return Connection(connection.detach())


def _serve(clients: Clients, predictor: Predictor, start: Start) -> None:
    """Answer until nobody is connected, or one asks this process to leave."""
    loaded = encode(Loaded(list(predictor.classes)))
    for connection, message in clients:
        if not message:
            clients.tell(connection, loaded)
            continue
        question = decode_question(message)
        if isinstance(question, Leave):
            clients.tell_all(encode(Leaving()))
            return
        # The system ends this process where the model hangs, whatever holds the interpreter.
        signal.setitimer(signal.ITIMER_REAL, start.answer_seconds)
        answer = _answer(predictor, question)
        signal.setitimer(signal.ITIMER_REAL, 0)
        clients.tell(connection, answer)
        # The one that was not asked for the longest time is the first to leave.
        with suppress(OSError):
            os.utime(start.address)


def _answer(predictor: Predictor, question: Question) -> bytes:
    try:
        prediction = predictor.predict(columns_of(question), probabilities=question.probabilities)
    except PredictionError as error:
        return encode(Failed(str(error)))
    except Exception as error:  # noqa: BLE001 - its text may hold a submitted value
        return encode(Failed(f"The model raised {type(error).__name__}."))
    shares = prediction.probabilities
    values = [packed(array) for array in prediction.values]
    return encode(Answered(values, None if shares is None else packed(shares.astype("float64"))))
