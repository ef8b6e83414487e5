"""The service is paused under load, as by a closed lid, a debugger or a frozen container."""

import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.service import started

DEADLINE_SECONDS = 1
ROWS = 2000
"""So many that there is always a batch on its way, whose deadline can pass."""


@pytest.mark.slow  # the pause has to be longer than a deadline
def test_a_paused_service_is_normal_a_second_after_it_goes_on(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """SIGSTOP, SIGCONT: whatever is taken up is answered, with 504 where its deadline passed.

    A connection that was idle for too long by then may be closed, even if a request was on its way.
    """
    fault = new_fault("SIGSTOP, SIGCONT under load")
    pause_seconds = 2 if rounds == 1 else 10
    fault.most("paused (s)", pause_seconds)
    ledger = Ledger()
    deadlines = {
        "PREDICT_TIMEOUT_SECONDS": f"{DEADLINE_SECONDS}",
        # Longer than the pause: a client cut off while sending sees a broken connection.
        "PREDICT_BODY_TIMEOUT_SECONDS": "60",
    }
    with started(tmp_path, sums.root, **deadlines) as service:
        for _ in range(rounds):
            with Load(service.port, ledger, rows=ROWS) as load:
                load.wait_for_calls(50)
                service.server.process.send_signal(signal.SIGSTOP)
                time.sleep(pause_seconds)
                service.server.process.send_signal(signal.SIGCONT)
                continued = time.monotonic()
                time.sleep(1)
                load.wait_for_calls(50)
            late = ledger.statuses(since=continued + 1)
            assert late.keys() == {200}, f"A second later: {late}"
        found = ledger.compare([service.log], sums.judge)
    assert found.unknown_but_logged == 0, found
    assert set(found.refused) <= {504}
    fault.count("answered 504", found.refused[504])
    fault.count("504 and yet logged", found.refused_but_logged)
    fault.add(found, rounds)
