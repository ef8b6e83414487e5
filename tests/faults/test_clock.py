"""The clock of the machine is set while the service runs."""

import base64
import random
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.calls import assert_problem, call_once
from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.moody import PAUSE, PAUSED
from tests.faults.moody_store import IN_SERVICE, publish
from tests.faults.service import Service, new_folder, started

HOUR, DAY = 3600.0, 86_400.0
TIMEOUT_SECONDS = 0.5
"""Half of the time that the model pauses."""
LATE_SECONDS = 5.0
"""An answer may come this much after its deadline on a machine that is busy; none of the jumps is
as short."""
SETTINGS = IN_SERVICE | {"PREDICT_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS)}
JUMPING = (sys.executable, "-m", "tests.faults.jumping_server")
AFTER_2038 = datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)
"""A second beyond what 32 bits hold."""
CALLS = 5


def jumps() -> list[float]:
    """Return the errors of the clock in seconds, one after another; there and back again."""
    to_2038 = (AFTER_2038 - datetime.now(UTC)).total_seconds()
    found = [HOUR, DAY, to_2038, -HOUR, -DAY]
    random.shuffle(found)
    return [*found, 0.0]


def set_clock(folder: Path, seconds: float) -> None:
    """Let the service's clock be wrong by so much, at once."""
    beside = folder / "clock.new"
    beside.write_text(str(seconds))
    beside.replace(folder / "clock")


def guess(service: Service) -> int:
    """Send a wrong password; return the status."""
    credentials = base64.b64encode(b"metrics:wrong").decode()
    return service.get("/metrics", Authorization=f"Basic {credentials}").status


def logged(log: Path) -> list[tuple[str, str]]:
    """Return ids and times of the log, in its order."""
    query = "SELECT request_id, time FROM requests ORDER BY sequence"
    with closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def late_seconds(service: Service, folder: Path, error: float) -> float:
    """Let the clock jump while a request waits; return the seconds until its 504."""
    (folder / PAUSED).unlink(missing_ok=True)
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call_once, service.port, Ledger(), {"a": PAUSE, "b": 1})
        while not (folder / PAUSED).exists():
            time.sleep(0.01)
        set_clock(folder, error)
        _, response = waiting.result()
    seconds = time.monotonic() - began
    assert_problem(response, 504)
    return seconds


@pytest.mark.slow  # each jump waits for a deadline
def test_no_deadline_and_no_order_moves_with_the_clock(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """It jumps by hours and days, beyond 2038, and back: rows stay in the order of answers."""
    fault = new_fault("the clock jumps an hour, a day, beyond 2038, and back")
    store = publish(sums, tmp_path)
    for _ in range(rounds):
        ledger, errors = Ledger(), jumps()
        folder = new_folder(tmp_path)
        set_clock(folder, 0)
        with started(folder, store.root, prefix=JUMPING, **SETTINGS) as service:
            while guess(service) != 429:
                pass
            for error in errors:
                seconds = late_seconds(service, folder, error)
                assert TIMEOUT_SECONDS <= seconds < TIMEOUT_SECONDS + LATE_SECONDS
                fault.most("deadline of 0.5 s reported after (s, most)", seconds)
                for _ in range(CALLS):
                    assert call_once(service.port, ledger, {"a": 1, "b": 1})[0].status == 200
                # Who guessed passwords still has to wait, and not until the clock is right.
                # One password a second is compared, so that the right one gets in.
                assert 429 in {guess(service) for _ in range(5)}
                assert service.ready()[0] == 200
            rows = logged(service.log)
        assert [name for name, _ in rows] == [call.request_id for call in ledger.calls]
        moments = [datetime.fromisoformat(moment) for _, moment in rows]
        # The clock did jump.
        spans = [(moment - moments[-1]).total_seconds() for moment in moments[::CALLS]]
        assert spans == pytest.approx(errors, abs=HOUR / 2)
        fault.count("jumps", len(errors))
        fault.add(ledger.compare([service.log], store.judge))
