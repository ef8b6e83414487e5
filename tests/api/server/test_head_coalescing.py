"""The head of an answer is sent together with its body."""

import asyncio
from typing import cast

from api.server.head_coalescing import HeadCoalescer

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Recorder(asyncio.Transport):
    """A transport that records its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: object) -> None:
        """Record the bytes that are sent."""
        self.done.append(cast("bytes", data))

    def close(self) -> None:
        """Record the end."""
        self.done.append("closed")

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self) -> None:
        """Do nothing."""


def test_head_and_body_leave_together() -> None:
    """The second body of a stream leaves at once."""
    sent = Recorder()
    holder = HeadCoalescer(sent)
    holder.write(HEAD)
    assert sent.done == []
    holder.write(b"ok")
    holder.write(b"more")
    assert sent.done == [HEAD + b"ok", b"more"]


def test_an_answer_without_a_body_leaves_when_it_is_complete() -> None:
    """The answer to HEAD is one."""
    sent = Recorder()
    holder = HeadCoalescer(sent)
    holder.write(HEAD)
    holder.flush()
    holder.flush()
    assert sent.done == [HEAD]


def test_nothing_is_lost_by_closing() -> None:
    """The held head is sent first."""
    sent = Recorder()
    holder = HeadCoalescer(sent)
    holder.write(HEAD)
    holder.close()
    assert sent.done == [HEAD, "closed"]


def test_an_interim_answer_does_not_wait() -> None:
    """The caller sends its body only after it."""
    sent = Recorder()
    HeadCoalescer(sent).write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert sent.done == [b"HTTP/1.1 100 Continue\r\n\r\n"]
