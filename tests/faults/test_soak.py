"""A load that the service can bear, for as long as it takes: nothing grows but the log."""

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from monitoring.log.reading.reader import LogReader
from tests.faults.arriving import answered_per_second, arrive
from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.moody_store import VARIABLES, MoodyStore, publish
from tests.faults.process_usage import Usage, megabytes, usage_of
from tests.faults.service import Service, new_folder, started

WORK = 1_000
SHARE = 0.7
FLOOD = 4_000
FLOOD_SECONDS = 0.5
SLICES_A_ROUND, SLICE_SECONDS = 6, 15.0
"""20 rounds are half an hour."""
SETTLING_SECONDS = 0.5
MORE_DESCRIPTORS, MORE_THREADS, MORE_MEGABYTES, MORE_WAL_MEGABYTES = 3, 3, 40, 8


class Slice(NamedTuple):
    """What was measured at the end of a slice of time."""

    usage: Usage
    wal_megabytes: float
    p99_milliseconds: float
    answered: int
    goodput: float
    """Answers a second."""


def measured(service: Service, store: MoodyStore, rate: float, seconds: float) -> Slice:
    """Let requests arrive for a slice of time; assert that all are answered, and measure."""
    # A ledger of every request of half an hour would be larger than the service.
    outcome = arrive(service.port, Ledger(), store.version, rate=rate, seconds=seconds)
    assert set(outcome.statuses) <= {200, 503}, outcome.statuses
    # Until the connections of that load are closed on the other side, too.
    time.sleep(SETTLING_SECONDS)
    wal = megabytes(service.log.with_name(service.log.name + "-wal"))
    p99 = outcome.percentile(99) * 1000
    goodput = answered_per_second(outcome, rate)
    return Slice(usage_of(service.pid), wal, p99, outcome.statuses[200], goodput)


@pytest.mark.slow  # load takes its time
def test_nothing_grows_but_the_log(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """At 70 % of the capacity descriptors, threads, memory and the write-ahead log do not grow."""
    count, seconds = (rounds * SLICES_A_ROUND, SLICE_SECONDS) if rounds > 1 else (2, 0.5)
    fault = new_fault("load of 70 % of the capacity for long")
    store = publish(sums, tmp_path, work=WORK)
    with started(new_folder(tmp_path), store.root, **VARIABLES) as service:
        flooded = measured(service, store, FLOOD, FLOOD_SECONDS)
        rate = SHARE * flooded.goodput
        warmed = measured(service, store, rate, seconds)
        slices = [measured(service, store, rate, seconds) for _ in range(count)]
        total = service.answered_total()
        balance = LogReader(service.log).check()
    assert balance.holds
    assert total == sum(each.answered for each in [flooded, warmed, *slices])
    first, last = slices[0], slices[-1]
    fault.rounds = rounds
    fault.count("seconds", count * seconds)
    fault.count("requests", sum(each.answered for each in slices))
    for name, each in (("first", first), ("last", last)):
        fault.count(f"descriptors, {name}", each.usage.descriptors)
        fault.count(f"threads, {name}", each.usage.threads)
        fault.count(f"memory (MB), {name}", each.usage.resident_megabytes)
        fault.count(f"WAL (MB), {name}", each.wal_megabytes)
        fault.count(f"p99 (ms), {name}", each.p99_milliseconds)
    assert last.usage.descriptors <= first.usage.descriptors + MORE_DESCRIPTORS
    assert last.usage.threads <= first.usage.threads + MORE_THREADS
    assert last.usage.resident_megabytes <= first.usage.resident_megabytes + MORE_MEGABYTES
    assert max(each.wal_megabytes for each in slices) <= first.wal_megabytes + MORE_WAL_MEGABYTES
