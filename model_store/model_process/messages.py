"""What a service and a model process tell each other: MessagePack, which holds data alone.

Neither side ever unpickles what the other has sent.
"""

from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import msgspec
import numpy as np

from model_store.schema.columns import Columns
from model_store.schema.prediction import Label


class PackedArray(msgspec.Struct, frozen=True, array_like=True):
    """An array: the bytes of its numbers, or its texts."""

    dtype: str
    shape: list[int]
    content: bytes | list[str | None]


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Which version a process is to answer for, and what it may take."""

    folder: str
    model: str
    version: str
    checksum: str
    """Of the manifest whose seal was checked: another one is not loaded."""
    formats: list[str]
    trusted_types: list[str]
    load_seconds: int
    """How long the load may take."""
    answer_seconds: float
    """How long an answer may take."""
    memory_bytes: int
    """Beyond what the process has before it loads anything."""
    address: str
    """The path of the socket on which it listens."""


class Question(msgspec.Struct, frozen=True, tag=True):
    """Rows to answer."""

    columns: dict[str, PackedArray]
    probabilities: bool


class Leave(msgspec.Struct, frozen=True, tag=True):
    """Asks a process to end, as others need its place."""


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """Said to each who connects: the model is loaded and gives the golden answers."""

    classes: list[Label]


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Said in place of that: the version is not loaded; the reason is a sentence."""

    reason: str


class Answered(msgspec.Struct, frozen=True, tag=True):
    """The answers: one array an output, and the probabilities, float64, `(rows, classes)`."""

    values: list[PackedArray]
    probabilities: PackedArray | None


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The model raised, or gave no proper answer; the reason is a sentence."""

    reason: str


class Leaving(msgspec.Struct, frozen=True, tag=True):
    """Said to all before a process ends that was asked to: what they ask now is not answered."""


encode = msgspec.msgpack.encode
decode_question = msgspec.msgpack.Decoder(Question | Leave).decode
_decode_answer = msgspec.msgpack.Decoder(Loaded | Refused | Answered | Failed | Leaving).decode


def received(connection: Connection, seconds: float) -> object:
    """Return what a model process says within so many seconds.

    Raises:
        EOFError: it has ended, or takes longer.
        OSError: it has ended.
        msgspec.MsgspecError: it says what is no answer.
    """
    if not connection.poll(seconds):
        raise EOFError
    return _decode_answer(connection.recv_bytes())


def packed(array: np.ndarray) -> PackedArray:
    """Return an array of numbers, dates or texts as it is sent."""
    content: bytes | list[str | None] = (
        [None if text is None else str(text) for text in array.ravel()]
        if array.dtype == object
        else array.tobytes()
    )
    return PackedArray(array.dtype.str, list(array.shape), content)


def unpacked(array: PackedArray) -> np.ndarray:
    """Return the array that was packed.

    Raises:
        ValueError: it is none.
        TypeError: its dtype is none.
    """
    if isinstance(array.content, bytes):
        # Estimators may write into what they are given.
        flat = np.frombuffer(bytearray(array.content), np.dtype(array.dtype))
    else:
        flat = np.empty(len(array.content), dtype=object)
        flat[:] = array.content
    return flat.reshape(array.shape)


def columns_of(question: Question) -> Columns:
    """Return the columns of a question."""
    return {name: unpacked(column) for name, column in question.columns.items()}


def question_of(columns: Mapping[str, Any], *, probabilities: bool) -> bytes:
    """Return a question, as it is sent."""
    sent = {name: packed(array) for name, array in columns.items()}
    return encode(Question(sent, probabilities))
