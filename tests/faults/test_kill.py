"""The service is killed under load, at once or after the signal to stop."""

import contextlib
import random
import signal
import time
from pathlib import Path

import pytest

from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.service import Service, new_folder, started
from tests.faults.tracer import TRACEABLE, injected

CALLS = {"pwrite64": 60, "write,writev,sendto,sendmsg": 60, "fdatasync": 6}
"""The write to the write-ahead log, the answer, the checkpoint's sync; their greatest counts."""


@pytest.mark.slow  # services are started, killed and started again
def test_a_killed_service_loses_nothing_that_it_answered(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """`kill -9` at a random moment: the next start recovers the log, with every answer in it."""
    fault = new_fault("kill -9 under load, restart")
    for _ in range(rounds):
        folder, ledger = new_folder(tmp_path), Ledger()
        with started(folder, sums.root) as service, Load(service.port, ledger) as load:
            load.wait_for_calls(random.randrange(1, 600))  # noqa: S311 - pytest-randomly seeds it
            service.kill()
            wal = service.log.with_name(f"{service.log.name}-wal")
            fault.most("WAL left (bytes, most)", wal.stat().st_size)
        with started(folder, sums.root) as again:
            fault.most("restart to ready (s, most)", again.start_seconds)
            found = ledger.compare([again.log], sums.judge)
            assert again.answered_total() >= found.answered
        fault.add(found)


@pytest.mark.slow  # strace stops the service at every system call
def test_a_service_that_is_killed_at_a_system_call_loses_nothing(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Killed just before one that writes to the log or to a caller: between commit and answer."""
    fault = new_fault("kill -9 at a system call, restart")
    for number in range(rounds):
        folder, ledger = new_folder(tmp_path), Ledger()
        with started(folder, sums.root, prefix=TRACEABLE) as service:
            calls, most = list(CALLS.items())[number % len(CALLS)]
            n = random.randint(1, most)  # noqa: S311 - pytest-randomly seeds it
            with (
                injected(service.pid, calls, f"signal=KILL:when={n}", folder / "trace"),
                Load(service.port, ledger),
            ):
                fault.count("killed", service.server.process.wait(PATIENCE_SECONDS) < 0)
        with started(folder, sums.root) as again:
            found = ledger.compare([again.log], sums.judge)
        fault.count("logged, not answered", found.unknown_but_logged)
        fault.add(found)


def see_it_leave(service: Service) -> None:
    """Wait until the service has ended; once it is out of rotation it does not come back."""
    was_off = False
    while service.server.process.poll() is None:
        is_off = True
        with contextlib.suppress(OSError):
            is_off = service.ready()[0] == 503
        assert is_off or not was_off, "It is ready again while it stops."
        was_off = is_off
    assert was_off


@pytest.mark.slow  # services are started and stopped
def test_a_service_that_gets_the_signal_to_stop_answers_what_it_has_begun(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """SIGTERM: never ready again, whatever was logged is answered, and the exit code is 0."""
    fault = new_fault("SIGTERM under load")
    for _ in range(rounds):
        folder, ledger = new_folder(tmp_path), Ledger()
        with started(folder, sums.root) as service:
            with Load(service.port, ledger) as load:
                load.wait_for_calls(random.randrange(1, 400))  # noqa: S311 - pytest-randomly seeds it
                asked = time.monotonic()
                service.server.process.send_signal(signal.SIGTERM)
                see_it_leave(service)
                fault.most("to exit (s, most)", time.monotonic() - asked)
            assert service.server.process.returncode == 0
            found = ledger.compare([service.log], sums.judge)
            assert found.unknown_but_logged == 0, "What was logged was not answered."
            assert set(found.refused) <= {503}
            fault.count("refused with 503", found.refused[503])
            fault.add(found)


@pytest.mark.slow  # services are started and killed
def test_a_service_that_is_killed_while_it_stops_loses_nothing(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """SIGTERM, then SIGKILL at a random moment of the stop: no 200 without its row."""
    fault = new_fault("SIGTERM, then SIGKILL")
    for _ in range(rounds):
        folder, ledger = new_folder(tmp_path), Ledger()
        with started(folder, sums.root) as service, Load(service.port, ledger) as load:
            load.wait_for_calls(random.randrange(1, 400))  # noqa: S311 - pytest-randomly seeds it
            service.server.process.send_signal(signal.SIGTERM)
            time.sleep(random.uniform(0, 0.1))  # noqa: S311 - as above
            fault.count("killed before the end", service.kill() == -signal.SIGKILL)
        fault.add(ledger.compare([service.log], sums.judge))
