"""What a stop does to requests that are on their way."""

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.image.engine import run
from tests.image.project import ROW, Project
from tests.waiting import wait_until

# So that no request is given up on a machine that is slow.
PATIENT = {"PREDICT_BODY_TIMEOUT_SECONDS": "600", "SERVICE_SHUTDOWN_SECONDS": "600"}
GRACE_SECONDS = 600


@pytest.fixture(scope="module")
def trained(
    checkout: Path, images: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A service that has a model and is patient."""
    patient = tmp_path_factory.mktemp("patient") / "patient.yml"
    patient.write_text(yaml.safe_dump({"services": {"service": {"environment": PATIENT}}}))
    project = Project("test-stop", checkout, "--file", str(patient), MODE="api")
    try:
        project.up()
        yield project
    finally:
        project.down()


@pytest.fixture
def running(trained: Project) -> Project:
    """The service, up again if a test stopped it."""
    trained("start", "service")
    wait_until(lambda: trained.status("/health/ready") == 200, 300)
    return trained


def exit_code(project: Project) -> int:
    """Return how the service ended; killed for staying too long, it would have been 137."""
    container = project("ps", "--all", "--quiet", "service")
    return int(json.loads(run("docker", "inspect", container))[0]["State"]["ExitCode"])


def test_a_request_whose_body_is_half_sent_is_answered(running: Project) -> None:
    """It came before the stop, the rest of its body after: it gets its 200, and is logged."""
    before = running.logged()
    body = json.dumps(ROW).encode()
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    address = ("127.0.0.1", running.ports["SERVICE"])
    with socket.create_connection(address, GRACE_SECONDS) as connection:
        connection.sendall(head.encode())
        # The service asks for the body: it is surely reading when the signal comes.
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(body[:10])
        stop = subprocess.Popen(
            ["docker", "stop", "--time", str(GRACE_SECONDS), running.container()]
        )
        # Nobody listens once the signal has arrived.
        wait_until(lambda: not running.status("/health/live"), 300)
        assert stop.poll() is None
        connection.sendall(body[10:])
        received = b"".join(iter(partial(connection.recv, 65536), b""))
    assert stop.wait(GRACE_SECONDS) == 0
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b'{"variety":"Virginica"}')
    assert exit_code(running) == 0
    running("start", "service")
    wait_until(lambda: running.status("/health/ready") == 200, 300)
    assert running.logged() == before + 1


def test_a_stop_under_load_loses_nothing(running: Project) -> None:
    """What comes too late is refused; what was answered, no more and no less, is logged."""
    before = running.logged()
    answered = []
    stopped = threading.Event()

    def load() -> None:
        while not stopped.is_set():
            answer = running.ask("/predict", [ROW])
            answered.append(answer.status if answer else 0)
            if not answer:
                return

    clients = [threading.Thread(target=load) for _ in range(4)]
    for client in clients:
        client.start()
    wait_until(lambda: len(answered) > 100, 300)
    running("stop", "--timeout", str(GRACE_SECONDS), "service")
    stopped.set()
    for client in clients:
        client.join()
    assert exit_code(running) == 0
    # Nobody answers on a connection that was opened too late.
    assert set(answered) <= {200, 503, 0}
    running("start", "service")
    wait_until(lambda: running.status("/health/ready") == 200, 300)
    assert running.logged() == before + answered.count(200)
