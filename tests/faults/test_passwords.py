"""Passwords guessed as fast as possible: the guesser must wait, and nobody else."""

import base64
import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from api.auth.login_throttle import LIMIT
from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.calls import call_once, p99_milliseconds
from tests.faults.conftest import NewFault, Sums
from tests.faults.health_probe import asking_for_health
from tests.faults.ledger import Ledger
from tests.faults.service import Service, new_folder, started
from tests.waiting import wait_until

RIGHT, GUESS = "right-password", "xyzzy-guess"
SETTINGS = {"PREDICT_OPEN": "no", "PREDICT_PASSWORD": RIGHT, "SERVICE_EVENT_LEVEL": "info"}
ELSEWHERE = "127.0.0.2"
"""Another address of this machine, which the guesses come from."""
GUESSERS = 4
OK = 200
FEW, MANY = 100, 500
"""So many good calls, in one round or in each of several."""


def basic(user: str, password: str) -> str:
    """Return credentials as a header's value."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextlib.contextmanager
def from_elsewhere(port: int) -> Iterator[HTTPConnection]:
    """Connect from the other address."""
    connection = HTTPConnection("127.0.0.1", port, PATIENCE_SECONDS, (ELSEWHERE, 0))
    with contextlib.closing(connection):
        yield connection


def guess_on(port: int, stop: threading.Event) -> Counter[int]:
    """Guess the password of `predict` until `stop` is set; return the answers."""
    found: Counter[int] = Counter()
    with from_elsewhere(port) as connection:
        for number in itertools.count():
            if stop.is_set():
                return found
            headers = {"Authorization": basic("predict", f"{GUESS}{number}")}
            connection.request("POST", "/predict", b"[]", headers)
            response = connection.getresponse()
            response.read()
            found[response.status] += 1
            wanted = {401: "WWW-Authenticate", 429: "Retry-After"}[response.status]
            assert response.getheader(wanted)
    raise AssertionError


def status_from_elsewhere(service: Service, method: str, path: str, credentials: str) -> int:
    """Return the status that another user at the guessers' address gets."""
    with from_elsewhere(service.port) as connection:
        headers = {"Authorization": credentials, "Content-Type": "application/json"}
        connection.request(method, path, b'{"a":1,"b":1}', headers)
        response = connection.getresponse()
        response.read()
        return response.status


def is_answered(service: Service, method: str, path: str, credentials: str) -> bool:
    """Return whether another user at the guessers' address is answered."""
    return status_from_elsewhere(service, method, path, credentials) == OK


def ask_well(service: Service, ledger: Ledger, count: int) -> None:
    """Ask with the right password."""
    for _ in range(count):
        row = {"a": 1, "b": 1}
        call, _ = call_once(service.port, ledger, row, Authorization=basic("predict", RIGHT))
        assert call.status == 200


@pytest.mark.slow  # a load of guesses takes its time
def test_a_password_guesser_gets_429(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """The right password gets in from where it got in before, and elsewhere at a bounded rate."""
    fault = new_fault("wrong passwords from one address, as many as can be sent")
    count = FEW if rounds == 1 else MANY
    for _ in range(rounds):
        alone, beside = Ledger(), Ledger()
        with started(new_folder(tmp_path), sums.root, **SETTINGS) as service:
            ask_well(service, alone, count)
            stop = threading.Event()
            with asking_for_health(service.port) as health, ThreadPoolExecutor(GUESSERS) as pool:
                guessing = [pool.submit(guess_on, service.port, stop) for _ in range(GUESSERS)]
                ask_well(service, beside, count)
                stop.set()
            guessed = sum((each.result() for each in guessing), Counter[int]())
            right, metrics = basic("predict", RIGHT), basic("metrics", "metrics-secret")
            for asks in (("GET", "/models", right), ("GET", "/metrics", metrics)):
                wait_until(partial(is_answered, service, *asks), PATIENCE_SECONDS)
            said = service.scrape() + (service.folder / "events").read_text()
        assert LIMIT <= guessed[401] < guessed[429]
        assert GUESS not in said
        assert RIGHT not in said
        assert health.is_well
        fault.count("guesses", guessed.total())
        fault.most("p99 alone (ms, most)", p99_milliseconds(alone))
        fault.most("p99 beside guesses (ms, most)", p99_milliseconds(beside))
        fault.most("health (ms, most)", health.most_milliseconds)
        alone.calls += beside.calls
        fault.add(alone.compare([service.log], sums.judge))
