"""The controls: without them the faults would prove nothing."""

import sys
import time
from pathlib import Path

import pytest

from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.conftest import Sums
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.service import started

BROKEN = Path(__file__).with_name("broken_service.py")


def broken(how: str) -> tuple[str, ...]:
    """Return the words that start a service which breaks the promise."""
    return (sys.executable, "-P", str(BROKEN), how)


@pytest.mark.slow  # a service is started and killed
def test_the_harness_catches_a_service_that_acknowledges_before_it_commits(
    sums: Sums, tmp_path: Path
) -> None:
    """What it answered in its last moments is lost by `kill -9`."""
    ledger = Ledger()
    with started(tmp_path, sums.root, prefix=broken("eager")) as service:
        with Load(service.port, ledger) as load:
            load.wait_for_calls(200)
            service.kill()
        found = ledger.compare([service.log], sums.judge)
    assert found.lost > 0
    assert not found.holds


@pytest.mark.slow  # a service is started, and swaps
def test_the_harness_catches_a_swap_that_mixes_versions(sums: Sums, tmp_path: Path) -> None:
    """An answer that names another version is wrong, and is not what the log says."""
    own, ledger = sums.copied(tmp_path), Ledger()
    prefix = broken("mixing")
    with started(tmp_path, sums.root, prefix=prefix, MODEL_POLL_SECONDS="0.02") as service:
        with Load(service.port, ledger) as load:
            for version in (own.second, own.first, own.second):
                own.store.promote("sum", version)
                deadline = time.monotonic() + PATIENCE_SECONDS
                while ledger.newest_version() != version:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                load.wait_for_calls(10)
        found = ledger.compare([service.log], sums.judge)
    assert found.wrong > 0
    assert found.mismatched > 0
    assert not found.holds
