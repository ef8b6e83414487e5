"""Clients that ask a service one request after another, as many at once as there are threads.

Each request differs from all others, and its answer shows which request it answers.
"""

import contextlib
import json
import threading
import time
from collections.abc import Mapping
from typing import Self

from tests.faults.client import Connection
from tests.faults.ledger import ANSWERED, Call, Judge, Ledger

LARGEST_NUMBER = 1_000_000
"""Beyond this a compiled model, which computes in float32, would answer neighbours the same."""
CLIENTS = 8
TIMEOUT_SECONDS = 60.0
"""How long a client waits for an answer before it calls it unknown."""
_PAUSE_SECONDS = 0.005
_TOLERANCE = 0.4


class Load:
    """Sends requests to the model `sum` while it is entered; what comes back is in the ledger.

    Args:
        port: where the service listens on this machine, also after a restart.
        ledger: keeps every call.
        rows: how many rows a request has; 0: one to three, and now and then a single row object.
        pause_seconds: how long a client rests between two requests.
        clients: how many send at once, each over a connection of its own that is kept alive.
    """

    def __init__(
        self,
        port: int,
        ledger: Ledger,
        *,
        rows: int = 0,
        pause_seconds: float = 0.0,
        clients: int = CLIENTS,
    ) -> None:
        self._port = port
        self._ledger = ledger
        self._rows = rows
        self._pause_seconds = pause_seconds
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS + 10)
            assert not thread.is_alive(), "A client hangs: neither an answer came nor its deadline."

    def wait_for_calls(self, count: int) -> None:
        """Wait until so many more requests have been sent."""
        wanted = len(self._ledger.calls) + count
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(self._ledger.calls) < wanted:
            assert time.monotonic() < deadline, f"{count} calls take too long."
            time.sleep(_PAUSE_SECONDS)

    def _ask_on(self) -> None:
        connection = Connection(self._port, TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            while not self._stop.is_set():
                call = ask(connection, self._ledger, self._rows)
                # While nobody listens, a client pauses before it tries again.
                is_closed = call is None or call.status != ANSWERED
                self._stop.wait(_PAUSE_SECONDS if is_closed else self._pause_seconds)


def ask(connection: Connection, ledger: Ledger, rows: int = 0) -> Call | None:
    """Send one request and wait for its answer; None where nobody listens, so that none was sent.

    It has so many rows; 0: as `Load` says.
    """
    try:
        connection.connect()
    except OSError:
        return None
    number = ledger.next_number()
    asked = rows_of_number(number, rows or 1 + number // 4 % 3)
    is_single = not rows and len(asked) == 1 and number % 4 == 0
    body = json.dumps(asked[0] if is_single else asked).encode()
    call = ledger.sending(number, body, len(asked))
    headers = {"Content_Type": "application/json", "X_Request_ID": call.request_id}
    # If the connection breaks, the fate of the request is unknown.
    with contextlib.suppress(OSError):
        response = connection.exchange("POST", "/predict", body, **headers)
        call.end(response.status, response.header, response.body)
    return call


def rows_of_number(number: int, rows: int) -> list[dict[str, int]]:
    """Return the rows of the request with this number."""
    first = number % LARGEST_NUMBER
    return [{"a": first, "b": 1 + (first + part) % 8} for part in range(rows)]


def judge_sums(factors: Mapping[str, float]) -> Judge:
    """Return a judge of answers of `sum`, whose versions answer `a + factor * b`."""

    def is_right(call: Call) -> bool:
        asked, answered = json.loads(call.body), json.loads(call.answer)
        if isinstance(asked, dict):
            asked, answered = [asked], [answered]
        factor = factors.get(call.version)
        if factor is None or len(asked) != len(answered):
            return False
        return all(
            abs(row["a"] + factor * row["b"] - answer["total"]) < _TOLERANCE
            for row, answer in zip(asked, answered, strict=True)
        )

    return is_right
