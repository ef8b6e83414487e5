"""The model process: loads an estimator, and answers all who connect, one question at a time.

It ends when nobody is connected any more, so that none is left behind by a service that was killed.
"""

import importlib
import os
import signal
import socket
import sys
from contextlib import suppress
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


def main() -> None:
    """Read what to do from standard input: a `Start`, and the descriptor of a listening socket."""
    start, descriptor = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[Start, int])
    # What a model prints is no answer.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    with socket.socket(fileno=descriptor) as listener:
        try:
            predictor = _loaded(start)
        except ModelStoreError as error:
            Clients(listener).tell_first(encode(Refused(str(error))))
        except MemoryError:
            megabytes = start.memory_bytes >> 20
            reason = f"Its estimator needs more than {megabytes} MiB of memory to be loaded."
            Clients(listener).tell_first(encode(Refused(reason)))
        else:
            _serve(Clients(listener), predictor, start)
    # What an estimator has registered for the end is not run.
    os._exit(0)


def _loaded(start: Start) -> Predictor:
    """Return the estimator, which gives the golden answers.

    Raises:
        ModelStoreError: it cannot be loaded here.
    """
    loading = importlib.import_module("model_store.loading")
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
    predictor: Predictor = loading.load_estimator(opened, policy)
    signal.alarm(0)
    return predictor


class Clients:
    """Those who are connected."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._connections: list[Connection] = [self._accepted()]

    def tell_first(self, message: bytes) -> None:
        """Tell the first one something."""
        self.tell(self._connections[0], message)

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
        return Connection(self._listener.accept()[0].detach())


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
