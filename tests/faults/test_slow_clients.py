"""Clients that are slow on purpose: the service closes them at its deadlines, unharmed."""

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults import slow_sockets
from tests.faults.calls import asking_steadily, p99_milliseconds
from tests.faults.conftest import NewFault, Sums
from tests.faults.health_probe import asking_for_health
from tests.faults.ledger import Ledger
from tests.faults.process_usage import usage_of
from tests.faults.service import Service, new_folder, started
from tests.faults.slow_sockets import SlowClients
from tests.waiting import wait_until

FEW, MANY = 10, 200
"""So many clients of each kind: in one round, or in each of several."""
SETTINGS = {"PREDICT_BODY_TIMEOUT_SECONDS": "4"}
MOST_MEGABYTES = 200
"""Half of what that many long bodies are together."""
ALONE_SECONDS = 1
STEADY = 3
"""The connections of those who ask meanwhile, and the log's file once more: SQLite keeps it open
after the service first read it beside its writer, as to close it would drop the writer's locks."""
RID_SECONDS = 30
"""The deadlines are 5 and 10 seconds; after this long, a connection has missed them."""


@pytest.fixture
def _many_descriptors() -> Iterator[None]:
    """Let this process, and those that it starts, open as many files as they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def until_closed(service: Service, descriptors: int) -> None:
    """Wait until so many descriptors are open at most.

    Raises:
        AssertionError: that takes too long.
    """
    deadline = time.monotonic() + RID_SECONDS
    while (now := usage_of(service.pid).descriptors) > descriptors:
        assert time.monotonic() < deadline, f"{now - descriptors} connections stay open."
        time.sleep(0.1)


@pytest.mark.slow  # the deadlines of connections are ten seconds long
@pytest.mark.usefixtures("_many_descriptors")
def test_slow_clients_are_closed_by_deadlines(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Good clients and requests for health are answered meanwhile."""
    fault = new_fault("slow clients of six kinds")
    each = FEW if rounds == 1 else MANY
    for _ in range(rounds):
        alone, ledger = Ledger(), Ledger()
        with started(new_folder(tmp_path), sums.root, **SETTINGS) as service:
            port = service.port
            with asking_steadily(port, alone):
                time.sleep(ALONE_SECONDS)
            before = usage_of(service.pid)
            with (
                asking_for_health(service.port) as health,
                SlowClients(service.port, each) as slow,
            ):
                with asking_steadily(service.port, ledger):
                    # They do hold connections: those that wait for ten seconds, all at once. A
                    # busy service accepts them late, and none would look like all closed.
                    held = before.descriptors + 3 * each
                    wait_until(lambda: usage_of(service.pid).descriptors >= held, RID_SECONDS)  # noqa: B023 - called at once
                    until_closed(service, before.descriptors + STEADY)
                    seconds = time.monotonic() - slow.began
                halves = slow.received(slow_sockets.half_a_body) + slow.received(
                    slow_sockets.dripping_body
                )
                nothings = slow.received(slow_sockets.silent) + slow.received(
                    slow_sockets.dripping_head
                )
            after = usage_of(service.pid)
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in halves)
        assert set(nothings) == {b""}
        assert set(ledger.statuses()) == {200}
        assert health.is_well
        fault.count("slow clients", len(slow_sockets.KINDS) * each)
        fault.most("seconds until the last is closed (most)", seconds)
        fault.most("p99 alone (ms, most)", p99_milliseconds(alone))
        fault.most("p99 beside them (ms, most)", p99_milliseconds(ledger))
        fault.most("health (ms, most)", health.most_milliseconds)
        fault.most("memory more (MB, most)", after.resident_megabytes - before.resident_megabytes)
        alone.calls += ledger.calls
        fault.add(alone.compare([service.log], sums.judge))


@pytest.mark.slow  # the deadline of a body is waited for
@pytest.mark.usefixtures("_many_descriptors")
def test_long_bodies_that_stay_incomplete_fill_no_memory(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """That holds for any number at once; good clients are answered again after them."""
    fault = new_fault("long bodies that stay incomplete, many at once")
    each = FEW if rounds == 1 else MANY
    ledger = Ledger()
    with started(new_folder(tmp_path), sums.root, **SETTINGS) as service:
        before = usage_of(service.pid)
        with asking_for_health(service.port) as health, ExitStack() as closing:
            for _ in range(each):
                closing.enter_context(slow_sockets.half_a_long_body(service.port))
            until_closed(service, before.descriptors + STEADY)
        grown = usage_of(service.pid).peak_megabytes - before.resident_megabytes
        with asking_steadily(service.port, ledger):
            time.sleep(ALONE_SECONDS)
    fault.count("long bodies", each)
    fault.most("memory more (MB, most)", grown)
    fault.most("health (ms, most)", health.most_milliseconds)
    assert health.is_well
    assert set(ledger.statuses()) == {200}
    assert grown < MOST_MEGABYTES
    fault.add(ledger.compare([service.log], sums.judge))
