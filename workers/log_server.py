"""Writes the prediction log for the workers: one commit holds the batches of all that wait."""

import selectors
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.prediction_log import PredictionLog
from workers.log_messages import (
    AddBusinessMetrics,
    AddFeedback,
    Call,
    Declare,
    GiveLeases,
    Kept,
    Open,
    Receiver,
    Reply,
    TellEvent,
    Write,
    decode_call,
    send,
)

Waiting = tuple[socket.socket, Call]


class LogServer:
    """Answers the calls of `LogClient`, each over a connection of its own.

    One thread does it all: while it commits, calls gather in their sockets, and what gathered is
    the next commit. A caller that stops in the middle of a call holds nobody up.

    Args:
        log: What is written; others may call it at the same time.
        control: Brings each new connection, as a descriptor; once it is closed, serving ends.
    """

    def __init__(self, log: PredictionLog, control: socket.socket) -> None:
        self._log = log
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def serve(self) -> None:
        """Answer calls until nobody brings connections any more."""
        try:
            while self._control.fileno() >= 0:
                self._answer([call for key, _ in self._selector.select() for call in self._of(key)])
        finally:
            for key in list(self._selector.get_map().values()):
                self._leave(key.fileobj)
            self._selector.close()

    def _of(self, key: selectors.SelectorKey) -> list[Waiting]:
        """Return the call that is now whole, if one is."""
        connection: Any = key.fileobj
        with suppress(BlockingIOError):
            try:
                if connection is self._control:
                    self._admit()
                elif content := key.data.receive():
                    return [(connection, decode_call(content))]
            except msgspec.DecodeError as error:
                self._reply(connection, Reply(failed="other", reason=str(error)))
            except (EOFError, OSError):
                self._leave(connection)
        return []

    def _admit(self) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if not descriptors:
            raise EOFError
        connection = socket.socket(fileno=descriptors[0])
        # For the half of a call; a reply is short, and its caller waits for it.
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, Receiver(connection))

    def _leave(self, connection: Any) -> None:
        self._selector.unregister(connection)
        connection.close()

    def _answer(self, waiting: Sequence[Waiting]) -> None:
        writes = [(who, call) for who, call in waiting if isinstance(call, Write)]
        for who, reply in self._write(writes):
            self._reply(who, reply)
        for who, call in waiting:
            if not isinstance(call, Write):
                self._reply(who, self._outcome(call))

    def _write(self, writes: Sequence[tuple[socket.socket, Write]]) -> list[tuple[Any, Reply]]:
        """Commit what several callers sent, together."""
        together = Write([entry for _, call in writes for entry in call.entries])
        reply = self._outcome(together) if writes else Reply()
        if reply.failed in {"value", "other"} and len(writes) > 1:
            # One caller's bad batch must not fail its neighbours'.
            return [(who, self._outcome(call)) for who, call in writes]
        return [(who, reply) for who, _ in writes]

    def _outcome(self, call: Call) -> Reply:
        try:
            return Reply(self._call(call))
        except LogUnavailableError as error:
            return Reply(failed="unavailable", reason=str(error))
        except ValueError as error:
            return Reply(failed="value", reason=str(error))
        except Exception as error:  # noqa: BLE001 - its caller gets it, and others wait
            return Reply(failed="other", reason=f"{type(error).__name__}: {error}")

    def _call(self, call: Call) -> Any:
        match call:
            case Write():
                self._log.write(call.entries)
            case Kept():
                return self._log.kept(call.entry)
            case TellEvent():
                self._log.event(call.kind, call.detail, is_condition=call.is_condition)
            case AddFeedback():
                return self._log.add_feedback(call.items)
            case GiveLeases():
                return self._log.lease(call.wanted, call.count, call.seconds)
            case AddBusinessMetrics():
                self._log.add_business_metrics(call.values)
            case Declare():
                self._log.declare(call.model, call.columns)
            case Open():
                self._log.open()
        return None

    def _reply(self, connection: socket.socket, reply: Reply) -> None:
        # A caller that has left is noticed when its connection is read next.
        with suppress(OSError):
            send(connection, reply)
