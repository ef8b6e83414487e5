"""Models are swapped under full load, again and again."""

import random
import time
from pathlib import Path

import pytest

from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.service import started

SWAPS_A_ROUND = 25
"""Makes 500 in `make faults`."""
SWAPS_OF_ONE_ROUND = 8


@pytest.mark.slow  # each swap is waited for
def test_every_answer_is_that_of_the_version_it_names(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Two versions with different answers alternate; no request fails or mixes both."""
    fault = new_fault("swaps between two models under full load")
    own = sums.copied(tmp_path)
    ledger = Ledger()
    swaps = SWAPS_OF_ONE_ROUND if rounds == 1 else rounds * SWAPS_A_ROUND
    with started(tmp_path, sums.root, MODEL_POLL_SECONDS="0.02") as service:
        with Load(service.port, ledger):
            for number in range(swaps):
                version = (own.second, own.first)[number % 2]
                moved = time.monotonic()
                own.store.promote("sum", version)
                while ledger.newest_version() != version:
                    assert time.monotonic() < moved + PATIENCE_SECONDS, "The swap is not seen."
                    time.sleep(0.002)
                fault.most("until it answers (s, most)", time.monotonic() - moved)
                fault.count("swaps")
                time.sleep(random.uniform(0, 0.05))  # noqa: S311 - pytest-randomly seeds it
        found = ledger.compare([service.log], sums.judge)
    assert ledger.statuses().keys() == {200}
    fault.count("failed requests", found.sent - found.answered)
    fault.count("wrong answers", found.wrong)
    fault.add(found, rounds)
