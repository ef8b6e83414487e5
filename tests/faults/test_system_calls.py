"""The log's disk fails at one system call: it cannot write through, write, or read."""

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.load import ask
from tests.faults.service import Service, new_folder, started
from tests.faults.tracer import TRACEABLE, injected, injected_from_the_start, injections

SYNCS = "fsync,fdatasync"
MOST_A_ROUND = 8
# A checkpoint comes every half a second.
CHECKPOINTS_SECONDS = 1.2


class Failure(NamedTuple):
    """What fails, and with which error."""

    calls: str
    error: str


FAILURES = {
    "normal": [Failure(SYNCS, "EIO"), Failure("pwrite64", "ENOSPC"), Failure("pread64", "EIO")],
    "full": [Failure(SYNCS, "EIO")],
}
"""By how durable the commits are meanwhile."""


@pytest.mark.slow  # strace stops the service at every system call
@pytest.mark.parametrize("durability", FAILURES)
def test_a_failed_system_call_loses_nothing_that_was_answered(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault, durability: str
) -> None:
    """The n-th one fails, for n = 1, 2, ... until a run has no failure.

    That batch is answered 503 and is not in the log; the next one is logged again. Where a commit
    waits for no sync (`normal`), nobody notices one that fails.
    """
    fault = new_fault(f"the n-th system call of the log fails, durability {durability}")
    ledger = Ledger()
    settings = {"LOG_DURABILITY": durability, "LOG_ON_FAILURE": "refuse"}
    with started(tmp_path, sums.root, prefix=TRACEABLE, **settings) as service:
        for failure in FAILURES[durability]:
            failed = failed_calls(service, failure, ledger, rounds)
            assert failed, f"{failure}: the fault was not made."
            fault.count(f"{failure.calls} {failure.error}", sum(failed))
            fault.rounds += len(failed)
        service.kill()
        found = ledger.compare([service.log], sums.judge)
    assert found.unknown == 0
    assert found.refused_but_logged == 0, found
    assert set(found.refused) <= {503}
    fault.count("refused with 503", found.refused[503])
    fault.add(found, rounds=0)


def failed_calls(service: Service, failure: Failure, ledger: Ledger, rounds: int) -> list[int]:
    """Let the n-th call fail, for each n; return how many threads' n-th call it was."""
    found = []
    with service.connected() as connection:
        for n in range(1, rounds * MOST_A_ROUND):
            trace = service.folder / "trace"
            fault = f"error={failure.error}:when={n}"
            with injected(service.pid, failure.calls, fault, trace):
                for _ in range(2 + 2 * rounds):
                    ask(connection, ledger)
                time.sleep(CHECKPOINTS_SECONDS)
            if not injections(trace):
                break
            found.append(injections(trace))
        recovered = time.monotonic()
        for _ in range(5):
            ask(connection, ledger)
    assert ledger.statuses(since=recovered).keys() == {200}
    return found


@pytest.mark.slow  # services are started under strace
def test_a_sync_that_fails_at_the_start_is_recovered_from(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """The n-th one fails while the log is made and opened: the service starts, and then logs."""
    fault = new_fault("the n-th fsync,fdatasync fails with EIO, at the start")
    for n in range(1, rounds + 1):
        folder, ledger = new_folder(tmp_path), Ledger()
        trace = folder / "trace"
        prefix = injected_from_the_start(SYNCS, f"error=EIO:when={n}", trace)
        with started(folder, sums.root, prefix=prefix) as service:
            fault.most("to ready (s, most)", service.wait_until_ready())
            with service.connected() as connection:
                for _ in range(20):
                    ask(connection, ledger)
            # Each thread has a first sync of its own, so that a batch may still be refused.
            assert ledger.statuses().keys() <= {200, 503}
            assert ledger.calls[-1].status == 200
            found = ledger.compare([service.log], sums.judge)
        assert found.refused_but_logged == 0, found
        fault.count("calls failed", injections(trace))
        fault.add(found)
        if not injections(trace):
            break
