"""Signals to a service of two workers: to its supervisor, to each process, to all at once."""

import os
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from api.server.signals import RELOADING, STOPPING, SURVIVED
from model_store.model_process.shared_folder import PREFIX, SHARED_MEMORY
from tests.api.server_process import PATIENCE_SECONDS
from tests.signalled_start import in_a_group, signalled
from tests.workers.test_service import (
    TWO,
    children,
    connect,
    events,
    load,
    predict,
    wait_for_events,
)

pytestmark = pytest.mark.slow  # each starts a service of four processes
HARMLESS = (*RELOADING, *SURVIVED)


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_to_the_whole_group_drains(tmp_path: Path, published: Path, number: int) -> None:
    """Requests under way are answered, and the log is flushed and whole."""
    with TWO(tmp_path, published, prefix=in_a_group) as server:
        with load(server) as ledger:
            ledger.wait_for_more()
            os.killpg(server.process.pid, number)
            assert server.process.wait(PATIENCE_SECONDS) == 0
        assert not (tmp_path / "predictions.sqlite-wal").exists()
        ledger.hold_against(tmp_path)
    assert len(events(tmp_path, "stop")) == 2


def test_what_means_nothing_ends_nothing(tmp_path: Path, published: Path) -> None:
    """Not in the supervisor, a worker or the process of the log; HUP reaches every worker."""
    with TWO(tmp_path, published, prefix=in_a_group, MODEL_POLL_SECONDS="3600") as server:
        before = children(server)
        for process in (server.process.pid, *before):
            for number in HARMLESS:
                os.kill(process, number)
        for number in HARMLESS:
            os.killpg(server.process.pid, number)
        time.sleep(0.5)
        wait_for_events(tmp_path, "reload-requested", 2)
        assert {event["worker"] for event in events(tmp_path, "reload-requested")} == {1, 2}
        with closing(connect(server)) as connection:
            assert predict(connection, "after").status == 200
        assert children(server) == before
        assert server.stop() == (0, "")


def test_a_start_survives_them_too(tmp_path: Path, published: Path) -> None:
    """One that asks to stop ends it, with the exit code of a stop."""
    with TWO(tmp_path, published, prefix=signalled(HARMLESS)) as server:
        assert server.port
        assert server.stop() == (0, "")
    with TWO(tmp_path, published, prefix=signalled([signal.SIGQUIT])) as server:
        assert server.port == 0
        assert server.process.wait(PATIENCE_SECONDS) == 0


def test_what_a_killed_service_left_goes_at_the_next_start(tmp_path: Path, published: Path) -> None:
    """All of its processes are killed at once, so that none can tidy up."""
    others = set(SHARED_MEMORY.glob(f"{PREFIX}*"))
    with TWO(tmp_path, published, prefix=in_a_group) as server:
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(PATIENCE_SECONDS)
    [left] = set(SHARED_MEMORY.glob(f"{PREFIX}*")) - others
    with TWO(tmp_path, published) as server:
        assert not left.exists()
        assert server.stop() == (0, "")
