"""Callers that leave before their answer: the places that they took are free again."""

import random
import socket
import struct
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.calls import assert_problem, call_once
from tests.faults.client import Response
from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Call, Ledger
from tests.faults.moody import PAUSE, PAUSED
from tests.faults.moody_store import IN_SERVICE, publish
from tests.faults.process_usage import usage_of
from tests.faults.service import Service, new_folder, started
from tests.waiting import wait_until

PLACES = 12
SETTINGS = IN_SERVICE | {"PREDICT_QUEUE_REQUESTS": str(PLACES)}
BEYOND = 4
"""So many more are sent than there is room for."""
LEAVING = 5 * PLACES
FEW = 3
RESET = struct.pack("ii", 1, 0)
"""Lets a socket be closed by a reset."""


def accepted_at_once(service: Service, ledger: Ledger) -> int:
    """Return how many requests may wait while the model is busy; all others get 503.

    Raises:
        AssertionError: one got no answer, or another one.
    """
    with ThreadPoolExecutor(1 + PLACES + BEYOND) as pool:
        busy = occupied(service, ledger, pool)
        asked = [
            pool.submit(call_once, service.port, ledger, {"a": 1, "b": 1})
            for _ in range(PLACES + BEYOND)
        ]
        refused = [answer for call, answer in (one.result() for one in asked) if call.status != 200]
        assert busy.result()[0].status == 200
    for answer in refused:
        assert_problem(answer, 503)
    return len(asked) - len(refused)


def occupied(
    service: Service, ledger: Ledger, pool: ThreadPoolExecutor
) -> "Future[tuple[Call, Response]]":
    """Keep the model busy for a moment; return the request that does."""
    paused = service.folder / PAUSED
    paused.unlink(missing_ok=True)
    busy = pool.submit(call_once, service.port, ledger, {"a": PAUSE, "b": 1})
    wait_until(paused.exists, PATIENCE_SECONDS)
    return busy


def waits_nobody(service: Service) -> bool:
    """Return whether no request waits in the batcher."""
    return "\npredict_queue_depth 0.0\n" in service.scrape()


def request(call: Call) -> bytes:
    """Return a request as it stands on the wire."""
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-Request-ID: {call.request_id}\r\nContent-Length: {len(call.body)}\r\n\r\n"
    )
    return head.encode() + call.body


def leave(client: socket.socket, call: Call) -> None:
    """Send all, and close."""
    client.sendall(request(call))


def leave_by_reset(client: socket.socket, call: Call) -> None:
    """Send all, and reset the connection."""
    client.sendall(request(call))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def leave_halfway(client: socket.socket, call: Call) -> None:
    """Send a part of the body."""
    client.sendall(request(call)[:-3])


def leave_in_the_head(client: socket.socket, call: Call) -> None:
    """Send a part of the head."""
    client.sendall(request(call)[:30])


def leave_with_more_asked(client: socket.socket, call: Call) -> None:
    """Send it and half of another request."""
    client.sendall(request(call) + request(call)[:30])


def leave_after_a_moment(client: socket.socket, call: Call) -> None:
    """Send all, and wait for a part of the answer at most."""
    client.sendall(request(call))
    client.settimeout(0.05)
    with suppress(OSError):
        client.recv(10)


WAYS: tuple[Callable[[socket.socket, Call], None], ...] = (
    leave,
    leave_by_reset,
    leave_halfway,
    leave_in_the_head,
    leave_with_more_asked,
    leave_after_a_moment,
)


def send_and_leave(service: Service, ledger: Ledger) -> None:
    """Let a caller leave in one of the ways."""
    number = ledger.next_number()
    call = ledger.sending(number, b'{"a":%d,"b":1}' % number)
    with socket.create_connection(("127.0.0.1", service.port), PATIENCE_SECONDS) as client:
        random.choice(WAYS)(client, call)  # noqa: S311 - seeded by pytest-randomly


def places(service: Service, ledger: Ledger) -> tuple[int, int]:
    """Return how many requests may wait before many callers left, and after."""
    before = accepted_at_once(service, ledger)
    with ThreadPoolExecutor(PLACES) as pool:
        occupied(service, ledger, pool)
        leaving = [pool.submit(send_and_leave, service, ledger) for _ in range(LEAVING)]
    for left in leaving:
        left.result()
    wait_until(lambda: waits_nobody(service), PATIENCE_SECONDS)
    return before, accepted_at_once(service, ledger)


@pytest.mark.slow  # a model is kept busy, so that callers wait for it
def test_callers_that_leave_give_their_places_back(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """As many requests may wait as before, however many callers leave, and in any way."""
    fault = new_fault("callers leave before the answer")
    store = publish(sums, tmp_path)
    for _ in range(rounds):
        ledger = Ledger()
        with started(new_folder(tmp_path), store.root, **SETTINGS) as service:
            descriptors = usage_of(service.pid).descriptors
            before, after = places(service, ledger)
            # The log's own come with the first prediction; the last callers have only just left.
            wait_until(
                lambda: usage_of(service.pid).descriptors - descriptors <= FEW,  # noqa: B023
                PATIENCE_SECONDS,
            )
            opened = usage_of(service.pid).descriptors - descriptors
        fault.count("left", LEAVING)
        fault.most("places lost (most)", PLACES - after)
        fault.most("descriptors more (most)", opened)
        assert before == after == PLACES
        assert opened <= FEW
        fault.add(ledger.compare([service.log], store.judge))


@pytest.mark.slow  # a model is kept busy, so that callers wait for it
def test_a_service_that_loses_places_is_caught(sums: Sums, tmp_path: Path) -> None:
    """The same callers show it."""
    store = publish(sums, tmp_path)
    leaking = (sys.executable, "-m", "tests.faults.leaking_server")
    with started(new_folder(tmp_path), store.root, prefix=leaking, **SETTINGS) as service:
        _, after = places(service, Ledger())
    assert after < PLACES
