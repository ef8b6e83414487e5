"""One process of several is killed under load: a worker, or the one that writes the log."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.service import Service, started

PROCESSES = 3
"""Two workers, and the one that writes the log."""


@pytest.mark.slow  # a service of three processes is started
def test_a_killed_process_is_replaced_and_nothing_is_lost(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """`kill -9` of any child at a random moment: totals never go back, and all is in the log."""
    fault = new_fault("kill -9 of one process, SERVICE_WORKERS=2")
    ledger = Ledger()
    with started(tmp_path, sums.root, SERVICE_WORKERS="2") as service:
        with Load(service.port, ledger, pause_seconds=0.005) as load:
            counted = 0
            for _ in range(rounds):
                # One that ends at once, again and again, is replaced after a pause only.
                time.sleep(random.uniform(1, 1.5))  # noqa: S311 - pytest-randomly seeds it
                killed = random.choice(children(service))  # noqa: S311 - as above
                os.kill(killed, signal.SIGKILL)
                fault.most("until replaced (s, most)", seconds_until_replaced(service, killed))
                # Until the workers of a killed log answer again.
                service.wait_until_ready()
                load.wait_for_calls(50)
                before, counted = counted, service.answered_total()
                assert counted >= before, "The totals went back."
        found = ledger.compare([service.log], sums.judge)
        # Each answer, and what was logged before its worker was killed.
        assert service.answered_total() == found.answered + found.unknown_but_logged
    assert found.refused.keys() <= {503}
    fault.count("refused with 503", found.refused[503])
    fault.add(found, rounds)


def children(service: Service) -> list[int]:
    """Return the processes that the service's first one has started, and that live."""
    listed = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
    return [int(child) for child in listed if "\nState:\tZ" not in status(child)]


def status(process: str) -> str:
    """Return what the kernel says of a process; a dead one is a zombie, or gone."""
    try:
        return Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "\nState:\tZ"


def seconds_until_replaced(service: Service, killed: int) -> float:
    """Wait until there are as many processes as before; return how long that took."""
    since = time.monotonic()
    while killed in (living := children(service)) or len(living) < PROCESSES:
        assert time.monotonic() < since + PATIENCE_SECONDS, "It is not replaced."
        time.sleep(0.005)
    return time.monotonic() - since
