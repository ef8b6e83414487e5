"""An estimator that answers in a process of its own, as a `Predictor`."""

import threading
from contextlib import suppress
from multiprocessing.connection import Connection

import msgspec
import numpy as np

from model_store.errors import ModelStoreError, PredictionError
from model_store.model_process.messages import (
    Answered,
    Failed,
    Leaving,
    PackedArray,
    Start,
    question_of,
    received,
    unpacked,
)
from model_store.model_process.model_processes import ModelProcesses
from model_store.schema.columns import Columns, dtype_of
from model_store.schema.prediction import Label, Prediction
from model_store.schema.signature import Signature

_ENDED = "The process of this model ended while it answered: it took too long, or crashed."
_NO_ANSWER = "The process of this model gave no proper answer."


class ProcessPredictor:
    """Asks the process of a version, which is started anew whenever it has ended.

    Args:
        processes: of the service.
        start: how to start it.
        signature: of the version.

    Raises:
        RefusedError: the version cannot be loaded.
        PredictionError: its process ends again and again.
        OSError: no process can be started.
    """

    def __init__(self, processes: ModelProcesses, start: Start, signature: Signature) -> None:
        self._processes = processes
        self._start = start
        self._outputs = signature.outputs
        self._lock = threading.Lock()
        connection, loaded = processes.connect(start)
        self._connection: Connection | None = connection
        self.classes: tuple[Label, ...] = tuple(loaded.classes)
        """See `Predictor`."""

    def predict(self, columns: Columns, *, probabilities: bool = False) -> Prediction:
        """Answer all rows with one question.

        Raises:
            PredictionError: see `Predictor`; or the process ended before it answered.
        """
        question = question_of(columns, probabilities=probabilities)
        with self._lock:
            answer = self._asked(question)
            while isinstance(answer, Leaving):
                # Its place was needed by another model.
                self._disconnect()
                answer = self._asked(question)
        if isinstance(answer, Failed):
            raise PredictionError(answer.reason)
        if not isinstance(answer, Answered):
            raise PredictionError(_NO_ANSWER)
        return self._prediction(answer, rows=len(next(iter(columns.values()))))

    def _asked(self, question: bytes) -> object:
        """Return what the process says to a question."""
        connection = self._connected()
        # Where it has ended, what it said before is still there.
        with suppress(OSError):
            connection.send_bytes(question)
        try:
            # What other workers have asked comes first; later nobody waits for the answer.
            return received(connection, 2 * self._start.answer_seconds)
        except (EOFError, OSError, msgspec.MsgspecError):
            self._disconnect()
            self._processes.note_crash(self._start)
            raise PredictionError(_ENDED) from None

    def _connected(self) -> Connection:
        if self._connection and self._connection.poll(0):
            # It speaks unasked as it leaves, or has ended meanwhile.
            self._disconnect()
        if self._connection is None:
            try:
                self._connection = self._processes.connect(self._start).connection
            except (ModelStoreError, OSError) as error:
                raise PredictionError(
                    f"The process of this model does not start. {error}"
                ) from None
        return self._connection

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _prediction(self, answer: Answered, rows: int) -> Prediction:
        """Return an answer as a prediction, if it has the form of one.

        Raises:
            PredictionError: it has not.
        """
        values = tuple(map(_array, answer.values))
        shares = None if answer.probabilities is None else _array(answer.probabilities)
        dtypes = [(array.dtype, array.shape) for array in values]
        if dtypes != [(dtype_of(output), (rows,)) for output in self._outputs]:
            raise PredictionError(_NO_ANSWER)
        if shares is not None and shares.shape != (rows, len(self.classes)):
            raise PredictionError(_NO_ANSWER)
        return Prediction(values, shares)


def _array(column: PackedArray) -> np.ndarray:
    try:
        return unpacked(column)
    except (ValueError, TypeError):
        raise PredictionError(_NO_ANSWER) from None
