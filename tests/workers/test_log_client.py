"""What a caller of `LogClient` can rely on, while another process writes the log."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from monitoring.log.business_metrics import BusinessMetrics
from monitoring.log.database.queries import row
from monitoring.log.database.views import ViewColumn
from monitoring.log.errors import LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.reading.reader import LogReader
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.leases import Lease, Reason
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.log.writing.true_values import Feedback, Verdict
from tests.monitoring.conftest import NOON
from workers.log_client import LogClient
from workers.log_messages import Open, Receiver, Reply, Write, decode_reply, send
from workers.log_server import LogServer

NewLog = Callable[..., PredictionLog]
NewEntry = Callable[..., Entry]


class World:
    """A log server, and what calls it."""

    def __init__(self, log: PredictionLog, path: Path) -> None:
        self.lost: list[int] = []
        self.workers: list[LogClient] = []
        self._path = path
        self._control, theirs = socket.socketpair()
        self._thread = threading.Thread(target=LogServer(log, theirs).serve)
        self._thread.start()

    def end_server(self) -> None:
        """Let it end as the supervisor does."""
        self._control.close()
        self._thread.join()

    def connection(self) -> socket.socket:
        """Return a new connection to the server."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        return ours

    def worker(self, number: int = 1) -> LogClient:
        """Return the log as a worker has it."""
        log = LogClient(
            self.connection(),
            self._path,
            worker=number,
            on_lost=lambda: self.lost.append(number),
        )
        self.workers.append(log)
        return log


@contextmanager
def serving(log: PredictionLog, path: Path) -> Iterator[World]:
    """Serve a log from a thread."""
    world = World(log, path)
    try:
        yield world
    finally:
        world.end_server()
        log.close()
        for worker in world.workers:
            worker.close()


@pytest.fixture
def world(new_log: NewLog, path: Path) -> Iterator[World]:
    """Return a world with an ordinary log."""
    with serving(new_log(), path) as world:
        yield world


def logged(path: Path) -> list[dict[str, Any]]:
    """Return the requests in the log."""
    return [json.loads(line) for line in LogReader(path).export()]


def ids(path: Path) -> list[str]:
    """Return the ids of the requests in the log."""
    return [row["request_id"] for row in logged(path)]


def test_a_request_is_logged_as_it_was_sent(world: World, path: Path, new_entry: NewEntry) -> None:
    """It is in the log and counted as soon as `write` returns."""
    entry = new_entry()
    world.worker().write([entry, entry._replace(request_id="second", outcome="failed")])
    (row,) = logged(path)
    assert row == {
        "sequence": 1,
        "request_id": "first",
        "time": "2026-11-21T12:00:00.000000Z",
        "model": entry.model,
        "version": entry.version,
        "rows": entry.rows,
        "seconds": entry.seconds,
        "inputs": json.loads(entry.inputs),
        "outputs": json.loads(entry.outputs),
    }
    assert {total.outcome: total.requests for total in LogReader(path).totals()} == {
        "answered": 1,
        "failed": 1,
    }


def test_a_batch_of_many_megabytes_crosses(world: World, path: Path, new_entry: NewEntry) -> None:
    """It may come in any number of pieces."""
    text = json.dumps([{"text": "x" * 3_000_000}]).encode()
    world.worker().write([new_entry(name, inputs=text) for name in "abc"])
    assert [len(row["inputs"][0]["text"]) for row in logged(path)] == [3_000_000] * 3


def test_an_event_names_its_worker(world: World, path: Path) -> None:
    """So the events of several workers can be distinguished."""
    world.worker(2).event("model-swapped", {"model": "iris"})
    with closing(apsw.Connection(str(path))) as connection:
        kind, detail = row(connection, "SELECT kind, detail FROM events")
    assert (kind, json.loads(detail)) == ("model-swapped", {"worker": 2, "model": "iris"})


def test_feedback_and_views_cross(world: World, path: Path, new_entry: NewEntry) -> None:
    """Any number of verdicts comes back in order."""
    worker = world.worker()
    worker.declare("iris", [ViewColumn("variety", "category", "output")])
    worker.write([new_entry(rows=250)])
    items = [Feedback("first", row, "Setosa") for row in range(251)]
    assert worker.add_feedback(items) == [Verdict.STORED] * 250 + [Verdict.ROW_OUT_OF_RANGE]
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("SELECT variety FROM rows_iris").fetchall() == [("Virginica",)]


def test_leases_and_business_metrics_cross(world: World, path: Path, new_entry: NewEntry) -> None:
    """A row that one worker leases is not leased by another."""
    first, second = world.worker(1), world.worker(2)
    first.write([new_entry(rows=3)])
    wanted = [Lease(1, row, Reason.RANDOM) for row in range(4)]
    assert first.lease(wanted, 2, seconds=60) == [0, 1]
    assert second.lease(wanted, 9, seconds=60) == [2]
    second.add_business_metrics({"revenue": 12.5})
    assert BusinessMetrics(path, ["revenue"]).newest()["revenue"][0].value == 12.5


def test_kept_values_follow_the_options_of_the_server(
    new_log: NewLog, path: Path, new_entry: NewEntry
) -> None:
    """A worker has no key, and needs none."""
    with serving(new_log(keep="none"), path) as world:
        kept = world.worker().kept(new_entry())
    assert (kept["request_id"], kept["inputs"]) == ("first", None)


class SlowLog(PredictionLog):
    """A log whose first batch takes until a test lets it go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, LogOptions(), lambda: NOON)
        self.started, self.go_on = threading.Event(), threading.Event()
        self.batches: list[int] = []

    def write(self, entries: Sequence[Entry]) -> None:
        self.batches.append(len(entries))
        if len(self.batches) == 1:
            self.started.set()
            self.go_on.wait()
        super().write(entries)


def replies_to(log: SlowLog, path: Path, first: Entry, *others: Entry) -> list[Reply]:
    """Return the replies to batches of one entry each that come while the first is written."""
    with serving(log, path) as world, ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        callers = [stack.enter_context(world.connection()) for _ in others]
        for caller in callers:
            send(caller, Open())
            assert reply_on(caller).failed == ""
        writing = pool.submit(world.worker().write, [first])
        log.started.wait()
        for caller, entry in zip(callers, others, strict=True):
            send(caller, Write([entry]))
        log.go_on.set()
        writing.result()
        return [reply_on(caller) for caller in callers]


def reply_on(connection: socket.socket) -> Reply:
    """Wait for a reply."""
    content = Receiver(connection).receive()
    assert content
    return decode_reply(content)


def test_batches_that_wait_share_a_commit(path: Path, new_entry: NewEntry) -> None:
    """Batches that three workers send while a fourth is written share one commit."""
    log = SlowLog(path)
    replies = replies_to(log, path, *[new_entry(name) for name in "abcd"])
    assert log.batches == [1, 3]
    assert [reply.failed for reply in replies] == ["", "", ""]
    assert sorted(ids(path)) == ["a", "b", "c", "d"]


def test_a_bad_batch_fails_alone(path: Path, new_entry: NewEntry) -> None:
    """Its neighbour in the same commit is logged."""
    log = SlowLog(path)
    bad = new_entry("bad", time=datetime(2026, 11, 21))  # noqa: DTZ001 - that is what is bad
    replies = replies_to(log, path, new_entry("first"), new_entry("good"), bad)
    assert log.batches[:2] == [1, 2]
    assert [reply.failed for reply in replies] == ["", "value"]
    assert ids(path) == ["first", "good"]


def test_a_refused_batch_raises_with_its_reason(world: World, new_entry: NewEntry) -> None:
    """The error is the one that a log in this process raises."""
    naive = new_entry(time=datetime(2026, 11, 21))  # noqa: DTZ001 - that is what is bad
    worker = world.worker()
    with pytest.raises(ValueError, match="zone"):
        worker.write([naive])
    worker.write([new_entry()])


def test_a_log_that_cannot_be_written_raises_and_recovers(
    new_log: NewLog, path: Path, new_entry: NewEntry
) -> None:
    """The error says what to do; the worker goes on."""
    path.mkdir()
    with serving(new_log(), path) as world:
        worker = world.worker()
        with pytest.raises(LogUnavailableError, match="It was left as it is"):
            worker.open()
        with pytest.raises(LogUnavailableError, match="It was left as it is"):
            worker.write([new_entry()])
        path.rmdir()
        worker.write([new_entry()])
        assert world.lost == []
    assert ids(path) == ["first"]


def test_a_server_that_is_gone_is_reported_before_anyone_is_refused(
    world: World, new_entry: NewEntry
) -> None:
    """A service ends there: it does not know whether the batch was logged."""
    worker = world.worker(3)
    worker.write([new_entry()])
    world.end_server()
    with pytest.raises(LogUnavailableError, match="has ended"):
        worker.write([new_entry("second")])
    assert world.lost == [3]


def test_a_closed_log_refuses(world: World, new_entry: NewEntry) -> None:
    """The loss of the server is not reported, as the server runs."""
    worker = world.worker()
    worker.close()
    with pytest.raises(LogUnavailableError, match="closed"):
        worker.write([new_entry()])
    assert world.lost == []


def test_a_caller_that_stops_midway_delays_nobody(
    world: World, path: Path, new_entry: NewEntry
) -> None:
    """A killed worker leaves half of a call, a stopped one may go on with it later."""
    halves = [world.connection() for _ in range(2)]
    for connection in halves:
        connection.sendall(b"\0\0\0")
    halves[0].close()
    world.worker().write([new_entry()])
    assert ids(path) == ["first"]
    halves[1].close()


def test_a_caller_that_left_before_its_reply_fails_nobody(
    world: World, path: Path, new_entry: NewEntry
) -> None:
    """What it had sent is logged: it was killed after it had handed the batch over."""
    with world.connection() as connection:
        send(connection, Write([new_entry("left")]))
    worker = world.worker()
    worker.write([new_entry("stayed")])
    worker.event("stop", {})
    assert sorted(ids(path)) == ["left", "stayed"]
