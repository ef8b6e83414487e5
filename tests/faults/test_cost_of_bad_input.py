"""What a bad request costs: little time of the processor, and no memory that stays."""

import statistics
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faults.calls import assert_problem
from tests.faults.conftest import NewFault, Sums
from tests.faults.costly_bodies import LONG, NAMED
from tests.faults.health_probe import asking_for_health
from tests.faults.process_usage import processor_seconds, usage_of
from tests.faults.service import Service, new_folder, started

JSON = "application/json"
MOST_MILLISECONDS = 50
MOST_MEGABYTES = 100
"""What an allocator may keep after bodies of two megabytes; each leaves less than nothing else."""


def costs(service: Service, bodies: Mapping[str, bytes]) -> dict[str, float]:
    """Send each body, see that it is refused; return what each cost, in milliseconds."""
    found = {}
    with service.connected() as connection:
        for name, body in bodies.items():
            before = processor_seconds(service.pid)
            response = connection.exchange(
                "POST", "/predict", body, Content_Type="application/json"
            )
            found[name] = (processor_seconds(service.pid) - before) * 1000
            assert_problem(response, 400, 413, 422)
    return found


@pytest.mark.slow  # bodies are as long as they may be
def test_bad_requests_cost_little(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Each that anybody may send costs under 50 ms of the processor; all memory comes back."""
    fault = new_fault("bad input that tries to be costly")
    found: defaultdict[str, list[float]] = defaultdict(list)
    with started(new_folder(tmp_path), sums.root) as service:
        # What is imported and made once is no request's cost.
        costs(service, NAMED)
        before = usage_of(service.pid).resident_megabytes
        with asking_for_health(service.port) as health:
            for _ in range(rounds):
                for name, cost in costs(service, NAMED | LONG).items():
                    found[name].append(cost)
        grown = usage_of(service.pid).resident_megabytes - before
        assert service.answered_total() == 0
    medians = {name: statistics.median(of) for name, of in found.items()}
    fault.rounds = rounds
    fault.count("bad requests", rounds * len(medians))
    for what, bodies in (("named", NAMED), ("of 2 MB", LONG)):
        worst = max(bodies, key=medians.__getitem__)
        fault.most(f"processor, {what} (ms, most: {worst})", medians[worst])
    fault.most("memory more (MB)", grown)
    fault.most("health (ms, most)", health.most_milliseconds)
    assert health.is_well
    assert grown < MOST_MEGABYTES
    if rounds > 1:
        assert max(medians[name] for name in NAMED) < MOST_MILLISECONDS
