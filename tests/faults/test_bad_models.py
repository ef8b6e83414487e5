"""A model that misbehaves, served beside one that does not."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults import moody
from tests.faults.calls import assert_problem, call_once
from tests.faults.conftest import NewFault, Sums
from tests.faults.health_probe import asking_for_health
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.moody_store import VARIABLES, publish
from tests.faults.service import Service, new_folder, started

PATH = "/models/moody/predict"
SETTINGS = VARIABLES | {"MODEL_NAME": "sum", "PREDICT_TIMEOUT_SECONDS": "1"}
"""With a deadline that is far shorter than a model hangs."""
LIMITED = ("sh", "-c", 'ulimit -v 2800000; exec "$@"', "sh")
"""Gives the service less memory than the model asks for, whatever this machine has."""
MARK = 314159265358
STATUSES = {moody.RAISE: 500, moody.HANG: 504, moody.SHAPE: 500, moody.NAN: 500, moody.HUGE: 500}


def ask_badly(service: Service, ledger: Ledger, mood: float) -> None:
    """Ask the model for a mood; assert that it fails with a problem that shows no value."""
    _, response = call_once(service.port, ledger, {"a": mood, "b": MARK}, PATH)
    assert_problem(response, STATUSES[mood])
    assert str(MARK).encode() not in response.body


def ask_well(service: Service, ledger: Ledger) -> int:
    """Ask the model for what it can do; return the status."""
    call, response = call_once(service.port, ledger, [{"a": len(ledger.calls), "b": 1}], PATH)
    if call.status != 200:
        assert_problem(response, 504)
    return response.status


@pytest.mark.slow  # a model hangs until its callers give up
def test_a_model_that_misbehaves_fails_its_own_requests_only(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """They get 500 or 504; its neighbours in a batch, the other model and health are answered.

    Only requests that wait together with a call that hangs may be too late as well.
    """
    fault = new_fault("a model raises, hangs, answers nonsense, needs 2 GB")
    store = publish(sums, tmp_path)
    for _ in range(rounds):
        ledger, others = Ledger(), Ledger()
        with (
            started(new_folder(tmp_path), store.root, prefix=LIMITED, **SETTINGS) as service,
            asking_for_health(service.port) as health,
            ThreadPoolExecutor(8) as pool,
        ):
            with Load(service.port, others, clients=2):
                for mood in random.sample(list(STATUSES), len(STATUSES)):
                    bad = pool.submit(ask_badly, service, ledger, mood)
                    goods = [pool.submit(ask_well, service, ledger) for _ in range(6)]
                    bad.result()
                    allowed = {200, 504} if mood == moody.HANG else {200}
                    assert {good.result() for good in goods} <= allowed, mood
                    assert ask_well(service, ledger) == 200, mood
            said = service.scrape() + (service.folder / "events").read_text()
            assert str(MARK) not in said
            assert "Traceback" not in said
        assert set(others.statuses()) == {200}
        assert health.is_well
        fault.most("health (ms, most)", health.most_milliseconds)
        fault.count("calls that misbehave", len(STATUSES))
        others.calls += ledger.calls
        fault.add(others.compare([service.log], store.judge))
