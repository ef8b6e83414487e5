"""A prediction that comes whole takes the fast path, with the same answer as its route."""

import base64
import gc
import json
import re
import signal
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import apsw
import pytest

from api.models.loaded_models import LoadedModels
from api.server.fast_path import FastPath
from tests.api.conftest import Service
from tests.api.server_process import PATIENCE_SECONDS, Server, process_of
from tests.api.wire import AccessLines, exchange

ROW = b'{"weight":60}'
KIND = b"Content-Type: application/json\r\n"
CREDENTIALS = b"Authorization: Basic " + base64.b64encode(b"predict:secret") + b"\r\n"
PATIENT = """
import sys
import api.server.server
from mlops.__main__ import main
api.server.server.DRAIN_SECONDS = 3.0
del sys.argv[0]
main()
"""
"""Runs a service that waits three seconds for requests on their way when it stops."""
STUCK = """
import time
import api.batching.batch_runner
api.batching.batch_runner.BatchRunner.answer = lambda self, batch: time.sleep(60)
api.batching.batch_runner.BatchRunner.logs_at_once = False
"""
"""Blocks every model in its thread, so that the event loop goes on."""
KEPT_SECONDS = 5
"""How long the service of these tests keeps an idle connection."""
PAUSE_SECONDS = 0.05
"""Long enough for a server to have read all that was sent before."""
NO_TIMES = re.compile(rb"(?<=\r\n)(date|x-request-id): [^\r]*\r\n")


class Running(NamedTuple):
    """A service, and the file of its events."""

    server: Server
    events: Path


@pytest.fixture(scope="module")
def running(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a running service that needs a password; all tests share it."""
    folder = tmp_path_factory.mktemp("fast-path")
    limits = {"PREDICT_MAX_BODY_BYTES": "4000", "PREDICT_MAX_ROWS": "100"}
    closed = {"PREDICT_OPEN": "no", "PREDICT_PASSWORD": "secret"}
    with process_of(folder, published, **closed, **limits) as server:
        yield Running(server, folder / "events")


def request(path: bytes, headers: bytes, body: bytes) -> bytes:
    """Return the last request of a connection."""
    head = b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def in_two(server: Server, sent: bytes) -> bytes:
    """Send a request in two pieces, the second of which begins within the body."""
    with server.connect() as connection:
        connection.sendall(sent[:-1])
        time.sleep(PAUSE_SECONDS)
        connection.sendall(sent[-1:])
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        (b"/predict", KIND + CREDENTIALS, ROW, 200),
        (b"/predict", KIND + CREDENTIALS, b"[" + ROW + b"," + ROW + b"]", 200),
        (b"/predict?probabilities=true", KIND + CREDENTIALS, ROW, 200),
        (b"/predict?probabilities=false", KIND + CREDENTIALS, ROW, 200),
        (b"/predict?probabilities=2", KIND + CREDENTIALS, ROW, 422),
        (b"/models/fruit/predict", KIND + CREDENTIALS, ROW, 200),
        (b"/models/sum/predict", KIND + CREDENTIALS, b'{"a":1,"b":2}', 200),
        (b"/models/sum/predict?probabilities=true", KIND + CREDENTIALS, b'{"a":1,"b":2}', 422),
        (b"/models/none/predict", KIND + CREDENTIALS, ROW, 404),
        (b"/predict", KIND, ROW, 401),
        (b"/predict", KIND + CREDENTIALS.replace(b"Basic ", b"Basic Zm9v"), ROW, 401),
        (b"/predict", KIND + CREDENTIALS + CREDENTIALS, ROW, 200),
        (b"/predict", CREDENTIALS, ROW, 415),
        (b"/predict", KIND + KIND + CREDENTIALS, ROW, 415),
        (b"/predict", b"Content-Encoding: gzip\r\n" + KIND + CREDENTIALS, ROW, 415),
        (b"/predict", KIND + CREDENTIALS, b'{"weight":"heavy"}', 422),
        (b"/predict", KIND + CREDENTIALS, b'{"weight":60', 400),
        (b"/predict", KIND + CREDENTIALS, b"[" + b",".join([ROW] * 101) + b"]", 413),
        (b"/predict", KIND + CREDENTIALS, b" " * 4001 + ROW, 413),
        (b"/predict", KIND + CREDENTIALS + b"X-Request-ID: mine\r\n", ROW, 200),
    ],
)
def test_whole_and_in_pieces_a_request_has_one_answer(
    running: Running, path: bytes, headers: bytes, body: bytes, status: int
) -> None:
    """Both have the same status, headers and body, and one access line each."""
    server, events = running
    lines = AccessLines(server, events)
    sent = request(path, headers, body)
    whole, pieces = exchange(server, sent), in_two(server, sent)
    assert int(whole.split()[1]) == status
    assert sorted(NO_TIMES.sub(b"", whole).split(b"\r\n")) == sorted(
        NO_TIMES.sub(b"", pieces).split(b"\r\n")
    )
    first, second = lines.wait(2)
    same = ("method", "route", "status")
    assert [first[key] for key in same] == [second[key] for key in same]
    assert first["request_id"].encode() in whole
    assert second["request_id"].encode() in pieces


def test_requests_on_one_connection_are_answered_in_their_order(running: Running) -> None:
    """That holds for requests of the fast path and for others, mixed."""
    good = b"POST /predict HTTP/1.1\r\nHost: localhost\r\n" + KIND + CREDENTIALS
    one = good + b"Content-Length: 13\r\n\r\n" + ROW
    chunked = good + b"Transfer-Encoding: chunked\r\n\r\nd\r\n" + ROW + b"\r\n0\r\n\r\n"
    health = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = request(b"/models/sum/predict", KIND + CREDENTIALS, b'{"a":1,"b":2}')
    for sent in (one + one + last, one + chunked + health + one + last, health + one + last):
        received = exchange(running.server, sent)
        assert received.count(b"HTTP/1.1 200 OK") == sent.count(b"HTTP/1.1")
        assert received.count(b'{"fruit":"Plum"}') == sent.count(ROW)
        assert received.rpartition(b"\r\n")[2].startswith(b'{"total":')


@pytest.mark.slow  # waits for the time that a connection may be idle
def test_a_request_after_a_refusal_is_not_cut_off_as_idle(running: Running) -> None:
    """The limit for idle connections begins with each answer and ends with each request."""
    wrong = (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
        + KIND
        + b"Content-Length: 13\r\n\r\n"
        + ROW
    )
    last = request(b"/predict", KIND + CREDENTIALS, ROW)
    with running.server.connect() as connection:
        connection.sendall(wrong + last[:-1])
        # Longer than an idle connection is kept.
        time.sleep(KEPT_SECONDS + 0.5)
        connection.sendall(last[-1:])
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 401 ")
    assert received.endswith(b'{"fruit":"Plum"}')


@pytest.mark.slow  # starts a service and stops it
def test_a_caller_that_waits_while_the_service_stops_gets_503(
    published: Path, tmp_path: Path
) -> None:
    """That holds for the fast path and for the route."""
    code = STUCK + PATIENT.replace("DRAIN_SECONDS = 3.0", "DRAIN_SECONDS = 0.0")
    with process_of(
        tmp_path,
        published,
        prefix=[sys.executable, "-c", code],
        SERVICE_SHUTDOWN_SECONDS="1",
    ) as server:
        sent = request(b"/predict", KIND, ROW)
        with server.connect() as whole, server.connect() as pieces:
            whole.sendall(sent)
            pieces.sendall(sent[:-1])
            time.sleep(PAUSE_SECONDS)
            pieces.sendall(sent[-1:])
            time.sleep(PAUSE_SECONDS)
            server.process.send_signal(signal.SIGTERM)
            for connection in (whole, pieces):
                connection.settimeout(PATIENCE_SECONDS)
                received = b"".join(iter(partial(connection.recv, 65536), b""))
                assert received.startswith(b"HTTP/1.1 503 ")
                assert b"The service is stopping." in received


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("before", [1, 2])
@pytest.mark.parametrize(
    "invalid",
    [b"no http\r\n\r\n", b"GET /health/live HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"{}\r\n"],
)
def test_what_is_no_http_does_not_change_the_answers_before_it(
    running: Running, invalid: bytes, before: int, *, whole: bool
) -> None:
    """A good prediction gets its own answer and a row; what follows in the packet gets 400."""
    lines = AccessLines(*running)
    good = b"POST /predict HTTP/1.1\r\nHost: localhost\r\n" + KIND + CREDENTIALS
    length = b"Content-Length: 13\r\n\r\n" + ROW
    chunked = b"Transfer-Encoding: chunked\r\n\r\nd\r\n" + ROW + b"\r\n0\r\n\r\n"
    received = exchange(running.server, (good + (length if whole else chunked)) * before + invalid)
    statuses = re.findall(rb"HTTP/1.1 (\d+) ", received)
    assert statuses == [b"200"] * before + [b"400"]
    recorded = sorted((line["route"], line["status"]) for line in lines.wait(before + 1))
    assert recorded == [("/predict", 200)] * before + [("unmatched", 400)]


def test_a_later_body_that_is_no_http_waits_for_the_answer_before_it(running: Running) -> None:
    """Its own request is refused, and no other."""
    good = b"POST /predict HTTP/1.1\r\nHost: localhost\r\n" + KIND + CREDENTIALS
    chunked = good + b"Transfer-Encoding: chunked\r\n\r\nd\r\n" + ROW + b"\r\n0\r\n\r\n"
    broken = good + b"Transfer-Encoding: chunked\r\n\r\nxyzzy\r\n"
    received = exchange(running.server, chunked + broken)
    assert re.findall(rb"HTTP/1.1 (\d+) ", received) == [b"200", b"400"]


@pytest.mark.slow  # a service stops
def test_a_request_that_comes_while_the_service_stops_gets_503(
    published: Path, tmp_path: Path
) -> None:
    """It has `Connection: close`; requests admitted before are answered and logged."""
    sent = (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
        + KIND
        + b"Content-Length: 13\r\n\r\n"
        + ROW
    )
    with (
        process_of(tmp_path, published, prefix=[sys.executable, "-c", PATIENT]) as server,
        server.connect() as connection,
    ):
        connection.settimeout(PATIENCE_SECONDS)
        answered = 0
        received = good = b"HTTP/1.1 200 "
        while received.startswith(good):
            connection.sendall(sent)
            received = connection.recv(65536)
            answered += received.startswith(good)
            server.process.send_signal(signal.SIGTERM)
        assert received.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nconnection: close\r\n" in received
        assert received.endswith(b'"detail": "The service is stopping. Send the request again."}')
        assert connection.recv(65536) == b""
        assert server.process.wait(PATIENCE_SECONDS) == 0
    assert answered > 0
    with closing(apsw.Connection(str(tmp_path / "predictions.sqlite"))) as log:
        assert log.execute("SELECT count(*) FROM requests").fetchone() == (answered,)


@pytest.mark.parametrize(
    ("url", "headers", "taken"),
    [
        (b"/predict", {}, True),
        (b"/predict?probabilities=false", {}, True),
        (b"/models/sum/predict", {b"x-request-id": b"a"}, True),
        (b"/predict?probabilities=true", {}, False),
        (b"/predict/", {}, False),
        (b"/models/%73um/predict", {}, False),
        (b"/feedback", {}, False),
        (b"/predict", {b"content-type": b"text/plain"}, False),
        (b"/predict", {b"expect": b"100-continue"}, False),
        (b"/predict", {b"transfer-encoding": b"chunked"}, False),
    ],
)
def test_only_usual_requests_are_taken(
    service: Service, url: bytes, headers: dict[bytes, bytes], *, taken: bool
) -> None:
    """The route takes the others, and explains what is wrong with them."""
    fast_path: FastPath = service.client.app_state["fast_path"]
    found = fast_path.target(
        url, {b"host": b"localhost", b"content-type": b"application/json"} | headers
    )
    assert (found is not None) is taken


def test_the_fast_path_follows_the_served_models(service: Service) -> None:
    """It does so at the next request after a swap."""
    fast_path: FastPath = service.client.app_state["fast_path"]
    headers = {b"host": b"localhost", b"content-type": b"application/json"}
    target = fast_path.target(b"/predict", headers)
    assert target
    replaced = weakref.ref(target.model)
    del target
    service.state.reloader.loaded_models = LoadedModels()
    # The old model does not stay in memory until the next request.
    gc.collect()
    assert replaced() is None
    assert fast_path.target(b"/predict", headers) is None
    problem = service.predict(json.dumps({"a": 1, "b": 2}).encode())
    assert problem.status_code == 503
