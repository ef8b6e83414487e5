"""The service as a process: how it starts, stops, and is killed."""

import contextlib
import json
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPException
from pathlib import Path
from unittest.mock import Mock
from urllib.request import Request, urlopen

import pytest
import uvicorn

from api.server import server as api_server
from api.server.listening import AddressError, listen
from api.server.signals import RELOADING, STOPPING, SURVIVED
from monitoring.log.reading.reader import LogReader
from tests.api.conftest import Service
from tests.api.server_process import PATIENCE_SECONDS, Server, process_of
from tests.signalled_start import signalled

pytestmark = pytest.mark.slow  # each starts a service


def ask(server: Server, request_id: str, weight: float = 60) -> bytes:
    """Send one prediction; return the answer."""
    request = Request(
        f"http://127.0.0.1:{server.port}/predict",
        json.dumps({"weight": weight}).encode(),
        {"Content-Type": "application/json", "X-Request-ID": request_id},
    )
    with urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
        body: bytes = answer.read()
        return body


def ids_in_log(folder: Path) -> list[str]:
    """Return the ids of all requests in the prediction log."""
    lines = LogReader(folder / "predictions.sqlite").export()
    return [json.loads(line)["request_id"] for line in lines]


def total_of(server: Server) -> float:
    """Return how many requests the metrics say were answered."""
    request = Request(f"http://127.0.0.1:{server.port}/metrics")
    request.add_header("Authorization", "Basic bWV0cmljczptZXRyaWNzLXNlY3JldA==")
    with urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
        text = answer.read().decode()
    (value,) = re.findall(r'predict_requests_total{.*outcome="answered".*} (\S+)', text)
    return float(value)


def kinds(folder: Path) -> list[str]:
    """Return the kinds of all events."""
    return [json.loads(line)["event"] for line in (folder / "events").read_text().splitlines()]


@pytest.mark.parametrize("number", STOPPING)
def test_a_service_that_gets_the_signal_to_stop_exits_with_0(
    tmp_path: Path, published: Path, number: int
) -> None:
    """It logs the stop; its prediction log is flushed and whole."""
    with process_of(tmp_path, published) as server:
        assert ask(server, "first") == b'{"fruit":"Plum"}'
        assert server.stop(number) == (0, "")
    assert not (tmp_path / "predictions.sqlite-wal").exists()
    assert ids_in_log(tmp_path) == ["first"]
    assert kinds(tmp_path)[-1] == "stop"


def test_the_service_has_one_sqlite(tmp_path: Path, published: Path) -> None:
    """No library that it uses brings another one in: two would break each other's locks."""
    with process_of(tmp_path, published) as server:
        ask(server, "first")
        total_of(server)
        mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert server.stop() == (0, "")
    libraries = set(re.findall(r"\S*(?:sqlite|apsw)\S*\.so\S*", mapped))
    assert [Path(library).parent.name for library in libraries] == ["apsw"]


def test_other_signals_end_nothing(tmp_path: Path, published: Path) -> None:
    """HUP has the store looked at, the rest means nothing; each would end a process by default."""
    with process_of(tmp_path, published, MODEL_POLL_SECONDS="3600") as server:
        for number in (*RELOADING, *SURVIVED):
            server.process.send_signal(number)
            assert ask(server, f"after-{number}") == b'{"fruit":"Plum"}'
        while "reload-requested" not in kinds(tmp_path):
            time.sleep(0.01)
        assert server.stop() == (0, "")
    assert len(ids_in_log(tmp_path)) == len(RELOADING) + len(SURVIVED)


def test_signals_during_the_start_end_no_service(tmp_path: Path, published: Path) -> None:
    """From its first moments on it survives them; one to stop is heeded."""
    with process_of(tmp_path, published, prefix=signalled((*RELOADING, *SURVIVED))) as server:
        assert ask(server, "first") == b'{"fruit":"Plum"}'
        assert server.stop() == (0, "")
    with process_of(tmp_path, published, prefix=signalled([signal.SIGQUIT])) as server:
        assert server.port == 0
        assert server.process.wait(PATIENCE_SECONDS) == 0


def test_a_request_in_flight_is_finished_before_the_service_stops(
    tmp_path: Path, published: Path
) -> None:
    """Half of its body comes before the signal, the rest after."""
    with process_of(tmp_path, published) as server, server.connect() as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nContent-Length: 13\r\n\r\n"
        )
        # The service asks for the body, so it is surely reading when the signal comes.
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        server.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):
            while True:
                # New connections are refused once the signal has arrived.
                server.connect().close()
        connection.sendall(b'{"weight":60}')
        received = b"".join(iter(partial(connection.recv, 65536), b""))
        assert received.endswith(b'{"fruit":"Plum"}')
        assert server.process.wait(PATIENCE_SECONDS) == 0
    assert len(ids_in_log(tmp_path)) == 1


def test_answers_before_a_kill_are_in_the_log_once(tmp_path: Path, published: Path) -> None:
    """An unanswered request may be there once too; the totals equal the rows."""
    acknowledged: list[str] = []

    def send(server: Server, prefix: str) -> None:
        with contextlib.suppress(OSError, HTTPException):
            for number in range(100_000):
                name = f"{prefix}-{number}"
                assert ask(server, name) == b'{"fruit":"Plum"}'
                acknowledged.append(name)

    with process_of(tmp_path, published) as server, ThreadPoolExecutor(3) as pool:
        clients = [pool.submit(send, server, prefix) for prefix in "abc"]
        ask(server, "before")
        while len(acknowledged) < 30:
            assert not all(client.done() for client in clients)
        server.process.kill()
    acknowledged.append("before")
    with process_of(tmp_path, published) as server:
        ask(server, "after")
        logged = ids_in_log(tmp_path)
        assert total_of(server) == len(logged)
    assert len(logged) == len(set(logged))
    assert {*acknowledged, "after"} <= set(logged)
    # Three clients had at most one request each that was not acknowledged.
    assert len(logged) <= len(acknowledged) + 1 + 3
    assert LogReader(tmp_path / "predictions.sqlite").check().holds


def test_a_port_that_is_taken_is_reported_in_a_sentence() -> None:
    """The sentence names another port to try; an address of another machine gets one too."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=rf"127\.0\.0\.1:{port} \(Address already in use\)"):
            listen("127.0.0.1", port)
    with pytest.raises(AddressError, match="SERVICE_PORT=8001 make serve"):
        listen("192.0.2.1", 0)


def test_a_service_whose_port_is_taken_exits_at_once(tmp_path: Path, published: Path) -> None:
    """It prints the sentence, exits with a code other than 0, and leaves no partial log."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with process_of(tmp_path, published, SERVICE_PORT=str(port)) as server:
            assert server.port == 0
            assert server.process.wait(PATIENCE_SECONDS) == 1
            assert "Address already in use" in server.said
    assert not (tmp_path / "predictions.sqlite").exists()


def test_a_second_service_on_one_log_does_not_start(tmp_path: Path, published: Path) -> None:
    """It prints one sentence with the reason; the first service goes on."""
    with process_of(tmp_path, published) as first:
        with process_of(tmp_path, published) as second:
            assert second.port == 0
            assert second.process.wait(PATIENCE_SECONDS) == 1
        assert f"Another service (process {first.process.pid}) writes" in second.said
        assert second.said.count("\n") == 1
        assert "start-refused" in kinds(tmp_path)
        assert "Traceback" not in (tmp_path / "events").read_text()
        assert ask(first, "first") == b'{"fruit":"Plum"}'
        assert first.stop() == (0, "")


def test_the_signal_ends_readiness(service: Service) -> None:
    """It does so before anything is closed."""
    server = api_server.Server(uvicorn.Config(service.app), lambda _: None, Mock())
    server.started, server.lifespan = True, Mock(state=service.client.app_state)
    server.handle_exit(signal.SIGTERM, None)
    assert server.should_exit
    assert service.client.get("/health/ready").status_code == 503


def test_a_closed_listener_releases_its_port() -> None:
    """A service can start again on it at once."""
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
    with listen("127.0.0.1", port) as again:
        assert again.getsockname()[1] == port
