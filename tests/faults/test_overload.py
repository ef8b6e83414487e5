"""More requests than the service can answer: it refuses the rest, and says when to come again."""

import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.arriving import answered_per_second, arrive
from tests.faults.calls import assert_problem, call_once
from tests.faults.conftest import NewFault, Sums
from tests.faults.health_probe import asking_for_health
from tests.faults.ledger import Ledger
from tests.faults.moody_store import VARIABLES, MoodyStore, publish
from tests.faults.process_usage import usage_of
from tests.faults.report import Fault
from tests.faults.service import Service, new_folder, started

WORK = 24_000
"""A row costs the model about ten milliseconds: ten times the capacity of a model that costs next
to nothing is more than a machine of few processors can send to itself."""
SETTINGS = VARIABLES | {"PREDICT_QUEUE_REQUESTS": "64"}
FLOOD = 500
"""Requests a second that are surely more than that model can answer."""
FLOOD_SECONDS = 0.5
TIMES = (1, 2, 5, 10)
"""The load, in capacities."""
LOOKS = 10
MOST_MEGABYTES = 200
"""Far more than so many requests that wait may take."""
LEAST_GOODPUT = 0.9
MOST_HEALTH_MILLISECONDS = 100


def check_answers(service: Service, ledger: Ledger) -> None:
    """Ask as any client does; assert that each answer is a prediction or a proper refusal."""
    for _ in range(LOOKS):
        _, response = call_once(service.port, ledger, {"a": 1, "b": 1})
        if response.status != 200:
            assert_problem(response, 503, 504)


def goodput(
    service: Service, store: MoodyStore, ledger: Ledger, rate: float, seconds: float
) -> float:
    """Let requests arrive; assert that each is answered or refused. Return the answers a second."""
    with ThreadPoolExecutor(1) as pool:
        checking = pool.submit(check_answers, service, ledger)
        outcome = arrive(service.port, ledger, store.version, rate=rate, seconds=seconds)
        checking.result()
    assert set(outcome.statuses) <= {200, 503, 504}, outcome.statuses
    return answered_per_second(outcome, rate)


@pytest.mark.slow  # load takes its time
def test_overload_is_refused_and_the_rest_is_answered(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Up to ten times the capacity, health answers, memory is bounded, every 200 is in the log."""
    fault = new_fault("load of 1, 2, 5 and 10 times the capacity")
    times, seconds = (TIMES, 4.0) if rounds > 1 else (TIMES[-1:], 1.0)
    store = publish(sums, tmp_path, work=WORK)
    goodputs: dict[int, list[float]] = {each: [] for each in times}
    health_milliseconds: list[float] = []
    for _ in range(rounds):
        ledger = Ledger()
        with started(new_folder(tmp_path), store.root, **SETTINGS) as service:
            capacity = goodput(service, store, ledger, FLOOD, FLOOD_SECONDS)
            before = usage_of(service.pid)
            with asking_for_health(service.port) as health:
                for each in times:
                    found = goodput(service, store, ledger, each * capacity, seconds)
                    goodputs[each].append(found)
            grown = usage_of(service.pid).peak_megabytes - before.resident_megabytes
            call, _ = call_once(service.port, ledger, {"a": 1, "b": 1})
            assert call.status == 200
            assert "\npredict_queue_depth 0.0\n" in service.scrape()
        assert health.is_well
        assert grown < MOST_MEGABYTES
        health_milliseconds += sorted(s * 1000 for s in health.seconds)
        fault.most("memory more (MB, most)", grown)
        fault.add(ledger.compare([service.log], store.judge))
    count_goodput(fault, {each: statistics.median(of) for each, of in goodputs.items()})
    health_milliseconds.sort()
    p99 = health_milliseconds[int(len(health_milliseconds) * 0.99)]
    fault.most("health (ms, p99)", p99)
    fault.most("health (ms, most)", health_milliseconds[-1])
    if rounds > 1:
        assert p99 < MOST_HEALTH_MILLISECONDS


def count_goodput(fault: Fault, goodputs: dict[int, float]) -> None:
    """Count the goodput at each load.

    Raises:
        AssertionError: at the highest load it is less than it must be.
    """
    best = max(goodputs.values())
    for each, found in goodputs.items():
        fault.most(f"answered at {each} x (1/s, median)", found)
    assert goodputs[TIMES[-1]] >= LEAST_GOODPUT * best
