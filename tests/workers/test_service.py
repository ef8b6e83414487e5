"""The service of two workers, as processes: one log, one set of metrics, whatever is killed."""

import json
import os
import re
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from model_store.file_store import FileModelStore
from monitoring.log.reading.reader import LogReader
from tests.api.conftest import POLICY, fruit_draft
from tests.api.server_process import PATIENCE_SECONDS, Server, process_of
from tests.publisher_key import SIGNER
from tests.waiting import wait_until

pytestmark = pytest.mark.slow  # each starts a service of four processes
TWO = partial(process_of, SERVICE_WORKERS="2", MODEL_POLL_SECONDS="0.2")
METRICS_USER = {"Authorization": "Basic bWV0cmljczptZXRyaWNzLXNlY3JldA=="}
CLIENTS = 4

Totals = dict[tuple[str, ...], float]


def children(server: Server) -> list[int]:
    """Return the processes that the supervisor started, the one that writes the log first."""
    pid = server.process.pid
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Return the events of a kind that all processes have logged so far."""
    lines = (folder / "events").read_text().split("\n")[:-1]
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def wait_for_events(folder: Path, kind: str, number: int) -> list[dict[str, Any]]:
    """Wait until there are so many events of a kind; return them."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while len(found := events(folder, kind)) < number:
        assert time.monotonic() < patience, f"{len(found)} of {number} {kind}"
        time.sleep(0.01)
    return found


def ask(connection: HTTPConnection, path: str, **headers: str) -> HTTPResponse:
    """Ask over a connection that stays open; the answer is read."""
    connection.request("GET", path, headers=METRICS_USER | headers)
    answer = connection.getresponse()
    answer.body = answer.read().decode()  # type: ignore[attr-defined]
    return answer


def predict(connection: HTTPConnection, request_id: str) -> HTTPResponse:
    """Send one prediction; the answer is read."""
    headers = {"Content-Type": "application/json", "X-Request-ID": request_id}
    connection.request("POST", "/predict", b'{"weight":60}', headers)
    answer = connection.getresponse()
    assert answer.read() == b'{"fruit":"Plum"}' or answer.status != 200
    return answer


def answers_with(connection: HTTPConnection, version: str) -> bool:
    """Ask for a prediction; return whether this version answers."""
    return predict(connection, "one").headers["X-Model-Version"] == version


def connect(server: Server) -> HTTPConnection:
    """Return a connection that is not yet opened."""
    return HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)


@contextmanager
def connection_to_each(server: Server, folder: Path) -> Iterator[dict[int, HTTPConnection]]:
    """Return a connection to each worker, found by the events of the requests."""
    found: dict[int, HTTPConnection] = {}
    with ExitStack() as closing:
        while len(found) < 2:
            connection, name = connect(server), f"who-{time.monotonic_ns()}"
            closing.callback(connection.close)
            ask(connection, "/health/live", **{"X-Request-ID": name})
            workers: list[int] = []
            while not workers:
                workers = [
                    e["worker"] for e in events(folder, "request") if e["request_id"] == name
                ]
            found.setdefault(workers[0], connection)
        yield found


def scrape(connection: HTTPConnection) -> str:
    """Return the metrics of all workers, as one of them publishes them."""
    text: str = ask(connection, "/metrics").body  # type: ignore[attr-defined]
    return text


def has_window_of(connection: HTTPConnection, rows: int) -> bool:
    """Return whether a worker publishes a window of so many rows."""
    return re.search(rf"\nwindow_rows{{.*}} {rows}.0\n", scrape(connection)) is not None


def totals(connection: HTTPConnection) -> Totals:
    """Return all counters, as one worker publishes them."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(scrape(connection))
        for sample in family.samples
        if sample.name.endswith(("_total", "_bucket", "_count", "_sum"))
    }


@dataclass
class Ledger:
    """The requests of the clients, by what the clients know of them."""

    acknowledged: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Requests without an answer."""
    refused: list[str] = field(default_factory=list)

    def wait_for_more(self) -> None:
        """Wait until 50 more requests are answered."""
        patience, goal = time.monotonic() + PATIENCE_SECONDS, len(self.acknowledged) + 50
        while len(self.acknowledged) < goal:
            assert time.monotonic() < patience
            time.sleep(0.01)

    def hold_against(self, folder: Path) -> None:
        """Compare the log with it, and the log's totals with its rows."""
        reader = LogReader(folder / "predictions.sqlite")
        logged = Counter(json.loads(line)["request_id"] for line in reader.export())
        assert set(self.acknowledged) - logged.keys() == set()
        assert logged.keys() - set(self.acknowledged) - set(self.unknown) == set()
        assert set(logged.values()) == {1}
        assert reader.check().holds
        answered = [total for total in reader.totals() if total.outcome == "answered"]
        assert sum(total.requests for total in answered) == logged.total()


@contextmanager
def load(server: Server) -> Iterator[Ledger]:
    """Send predictions from several clients, one after the other each, all the while."""
    ledger, stop = Ledger(), threading.Event()

    def send(prefix: int) -> None:
        connection = connect(server)
        for number in count():
            if stop.is_set():
                break
            name = f"{prefix}-{number}"
            try:
                status = predict(connection, name).status
            except (OSError, HTTPException):
                ledger.unknown.append(name)
                connection.close()
            else:
                (ledger.acknowledged if status == 200 else ledger.refused).append(name)
        connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(send, number) for number in range(CLIENTS)]
        try:
            yield ledger
        finally:
            stop.set()
    for client in clients:
        client.result()


def test_requests_are_counted_and_logged_before_and_after_a_kill(
    tmp_path: Path, published: Path
) -> None:
    """Each worker publishes the same counts, and no counter goes backwards."""
    with TWO(tmp_path, published) as server:
        before: Totals = {}
        with load(server) as ledger:
            for kills in (1, 2, 3):
                ledger.wait_for_more()
                with connection_to_each(server, tmp_path) as workers:
                    for connection in workers.values():
                        now = totals(connection)
                        assert {n: v for n, v in before.items() if now.get(n, v) < v} == {}
                        before = now
                os.kill(children(server)[-1], signal.SIGKILL)
                wait_for_events(tmp_path, "worker-replaced", kills)
            ledger.wait_for_more()
        ledger.hold_against(tmp_path)
        assert ledger.refused == []
        with connection_to_each(server, tmp_path) as workers:
            one, two = (totals(connection) for connection in workers.values())
        # The moment between an answer and its count is where a killed worker may leave one out.
        answered = "http_requests_total", "POST", "/predict", "200"
        assert one[answered] >= len(ledger.acknowledged) - 3 * CLIENTS
        logged = sum(
            v for n, v in one.items() if n[0] == "predict_requests_total" and "answered" in n
        )
        assert one[answered] <= logged <= len(ledger.acknowledged) + len(ledger.unknown)
        restarts = [v for n, v in one.items() if n[0] == "service_process_restarts_total"]
        assert sum(restarts) == 3
        own = ("process_", "http_")
        assert {n: v for n, v in one.items() if not n[0].startswith(own)} == {
            n: v for n, v in two.items() if not n[0].startswith(own)
        }
        assert one[answered] == two[answered]
        assert server.stop() == (0, "")


def test_a_swap_is_seen_by_all(tmp_path: Path, published: Path) -> None:
    """Each worker logs the swap with its number."""
    shutil.copytree(published, tmp_path / "models")
    store = FileModelStore(tmp_path / "models", POLICY, signer=SIGNER)
    with (
        TWO(tmp_path, published) as server,
        connection_to_each(server, tmp_path) as workers,
    ):
        new = store.publish(fruit_draft())
        store.promote("fruit", new)
        for connection in workers.values():
            wait_until(partial(answers_with, connection, new), PATIENCE_SECONDS)
        swaps = wait_for_events(tmp_path, "model-swapped", 6)
    assert {e["worker"] for e in swaps if e["target"] == new} == {1, 2}


def test_all_workers_publish_the_same_window(tmp_path: Path, published: Path) -> None:
    """It holds the rows of all workers, each once."""
    with (
        TWO(tmp_path, published, MONITORING_SECONDS="0.1") as server,
        connection_to_each(server, tmp_path) as workers,
    ):
        for connection in workers.values():
            for number in range(15):
                assert predict(connection, str(number)).status == 200
        for connection in workers.values():
            wait_until(partial(has_window_of, connection, 30), PATIENCE_SECONDS)


def test_a_stop_under_load_loses_nothing(tmp_path: Path, published: Path) -> None:
    """All processes end, in order, and the log is whole."""
    with TWO(tmp_path, published) as server:
        with load(server) as ledger:
            ledger.wait_for_more()
            assert server.stop() == (0, "")
        assert not (tmp_path / "predictions.sqlite-wal").exists()
        ledger.hold_against(tmp_path)
    assert {event["worker"] for event in events(tmp_path, "stop")} == {1, 2}


def test_control_c_lets_a_request_in_flight_be_finished(tmp_path: Path, published: Path) -> None:
    """A terminal sends it to each process, the log's included.

    Half of the request's body came before the signal, the rest after.
    """
    with TWO(tmp_path, published) as server, server.connect() as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nContent-Length: 13\r\n\r\n"
        )
        # The service asks for the body, so it is surely reading when the signal comes.
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        for pid in (*children(server), server.process.pid):
            os.kill(pid, signal.SIGINT)
        wait_for_events(tmp_path, "stop", 1)
        connection.sendall(b'{"weight":60}')
        received = b"".join(iter(partial(connection.recv, 65536), b""))
        assert received.endswith(b'{"fruit":"Plum"}')
        assert server.process.wait(PATIENCE_SECONDS) == 0
    assert len(list(LogReader(tmp_path / "predictions.sqlite").export())) == 1


def test_a_killed_supervisor_takes_all_with_it(tmp_path: Path, published: Path) -> None:
    """What was acknowledged is in the log; the next start goes on with it."""
    with TWO(tmp_path, published) as server, load(server) as ledger:
        ledger.wait_for_more()
        server.process.kill()
        # Its standard error is closed once none of its processes is left.
        server.process.communicate(timeout=PATIENCE_SECONDS)
    with TWO(tmp_path, published) as again:
        ledger.hold_against(tmp_path)
        with closing(connect(again)) as connection:
            assert predict(connection, "after").status == 200
        assert again.stop() == (0, "")


def test_a_killed_log_process_loses_nothing_that_was_acknowledged(
    tmp_path: Path, published: Path
) -> None:
    """The workers cannot know the fate of their last batches, so they start anew with it."""
    with TWO(tmp_path, published) as server:
        with load(server) as ledger:
            ledger.wait_for_more()
            os.kill(children(server)[0], signal.SIGKILL)
            wait_for_events(tmp_path, "worker-replaced", 2)
            ledger.wait_for_more()
        ledger.hold_against(tmp_path)
        assert server.stop() == (0, "")
    assert [event["after"] for event in events(tmp_path, "log-process-replaced")] == ["signal 9"]


def test_a_second_service_on_one_log_does_not_start(tmp_path: Path, published: Path) -> None:
    """The error names the writing process; a signal to that process stops the first service."""
    with TWO(tmp_path, published) as first:
        with TWO(tmp_path, published) as second:
            assert second.port == 0
            assert second.process.wait(PATIENCE_SECONDS) == 1
        writer = children(first)[0]
        assert f"Another service (process {writer}) writes" in second.said
        assert second.said.count("\n") == 1
        assert len(events(tmp_path, "start-refused")) == 1
        os.kill(writer, signal.SIGTERM)
        assert first.process.wait(PATIENCE_SECONDS) == 0


def test_workers_start_without_their_log_and_find_it_later(tmp_path: Path, published: Path) -> None:
    """They are not ready until then, as a service of one process is not."""
    lock = tmp_path / "predictions.sqlite.lock"
    lock.mkdir()
    with (
        TWO(tmp_path, published) as server,
        connection_to_each(server, tmp_path) as workers,
    ):
        for connection in workers.values():
            assert ask(connection, "/health/ready").status == 503
            assert predict(connection, "early").status == 503
        lock.rmdir()
        for connection in workers.values():
            states = (ask(connection, "/health/ready").status for _ in range(10_000))
            assert any(status == 200 for status in states)
            assert predict(connection, "late").status == 200


def test_one_worker_is_the_service_itself(tmp_path: Path, published: Path) -> None:
    """There is no other process and no metric of one."""
    with process_of(tmp_path, published) as server, closing(connect(server)) as connection:
        assert children(server) == []
        assert not any(name[0].startswith("service_process") for name in totals(connection))
