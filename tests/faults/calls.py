"""Single requests, one after the other, kept in a ledger."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.client import Connection, Response
from tests.faults.ledger import Call, Ledger
from tests.faults.load import ask

PAUSE_SECONDS = 0.01
PROBLEM = {"type", "title", "status", "detail"}
"""The members of a problem, apart from `errors`."""


def call_once(
    port: int, ledger: Ledger, rows: Any, path: str = "/predict", **headers: str
) -> tuple[Call, Response]:
    """Send rows, or one row as an object; return what the ledger keeps of it, and the answer.

    Raises:
        OSError: the connection broke before the answer was whole.
    """
    body = json.dumps(rows).encode()
    call = ledger.sending(ledger.next_number(), body, len(rows) if isinstance(rows, list) else 1)
    own = {"Content_Type": "application/json", "X_Request_ID": call.request_id}
    with contextlib.closing(Connection(port, PATIENCE_SECONDS)) as connection:
        response = connection.exchange("POST", path, body, **own, **headers)
    call.end(response.status, response.header, response.body)
    return call, response


@contextlib.contextmanager
def asking_steadily(port: int, ledger: Ledger) -> Iterator[None]:
    """Ask about a hundred times a second, which is no load; assert that it goes on."""
    stop = threading.Event()

    def ask_on() -> None:
        with contextlib.closing(Connection(port, PATIENCE_SECONDS)) as connection:
            while not stop.wait(PAUSE_SECONDS):
                ask(connection, ledger)

    thread = threading.Thread(target=ask_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def p99_milliseconds(ledger: Ledger) -> float:
    """Return the latency that one answered call in a hundred exceeded."""
    seconds = sorted(call.ended - call.sent for call in ledger.calls if call.status == 200)
    return seconds[int(len(seconds) * 0.99)] * 1000


def assert_problem(response: Response, *statuses: int) -> None:
    """Assert that an answer is a problem document with one of these statuses."""
    assert response.status in statuses, response
    assert response.header("Content-Type") == "application/problem+json"
    problem = json.loads(response.body)
    assert set(problem) - {"errors"} == PROBLEM
    assert problem["status"] == response.status
    if response.status in {429, 503}:
        assert int(response.header("Retry-After") or 0) >= 1
