"""The calls of workers to the process that writes the log, and how they cross a socket.

A call is answered by one reply, and the next call waits for it. Each is a frame: its length in
eight bytes, then a message as MessagePack: an array, as all processes are of one version.
"""

import socket
import struct
from typing import Any, Literal

import msgspec

from monitoring.log.database.views import ViewColumn
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.leases import Lease
from monitoring.log.writing.true_values import Feedback

_LENGTH = struct.Struct("!Q")
_CHUNK_BYTES = 65_536


class Open(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A call of `PredictionLog.open`."""


class Write(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A call of `PredictionLog.write`."""

    entries: list[Entry]


class Kept(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A call of `PredictionLog.kept`."""

    entry: Entry


class TellEvent(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A call of `PredictionLog.event`."""

    kind: str
    detail: dict[str, Any]
    is_condition: bool = False


class AddFeedback(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A call of `PredictionLog.add_feedback`."""

    items: list[Feedback]


class GiveLeases(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A call of `PredictionLog.lease`."""

    wanted: list[Lease]
    count: int
    seconds: float


class AddBusinessMetrics(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A call of `PredictionLog.add_business_metrics`."""

    values: dict[str, float]


class Declare(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A call of `PredictionLog.declare`."""

    model: str
    columns: list[ViewColumn]


Call = Open | Write | Kept | TellEvent | AddFeedback | GiveLeases | AddBusinessMetrics | Declare


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """The reply to a call."""

    result: Any = None
    failed: Literal["", "unavailable", "value", "other"] = ""
    """Whether it raised, and what: `LogUnavailableError`, `ValueError` or anything else."""
    reason: str = ""


_encoder = msgspec.msgpack.Encoder()
decode_call = msgspec.msgpack.Decoder(Call).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode


def send(connection: socket.socket, message: Call | Reply) -> None:
    """Send a message as a frame.

    Raises:
        OSError: nobody receives it.
    """
    frame = bytearray(_LENGTH.size)
    _encoder.encode_into(message, frame, _LENGTH.size)
    _LENGTH.pack_into(frame, 0, len(frame) - _LENGTH.size)
    connection.sendall(frame)


class Receiver:
    """Puts the frames of a connection together, of which one at a time is on its way."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()

    def receive(self) -> memoryview | None:
        """Take some of what has arrived; return the frame's content once it is whole.

        Raises:
            EOFError: the other side is gone.
            OSError: the connection broke.
        """
        chunk = self._connection.recv(_CHUNK_BYTES)
        if not chunk:
            raise EOFError
        self._received += chunk
        if len(self._received) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._received)
        if len(self._received) < _LENGTH.size + length:
            return None
        whole, self._received = self._received, bytearray()
        return memoryview(whole)[_LENGTH.size :]
