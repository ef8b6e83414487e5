"""The disk of the log is full, and then has room again."""

import random
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.mounts import copied_log, mounts
from tests.faults.service import Service, new_folder, started

VOLUME_BYTES = 8 * 2**20


@dataclass
class SmallDisk:
    """A service, and its disk."""

    service: Service
    fill: Callable[[], None]
    free: Callable[[], None]
    log: Callable[[], Path]
    """Returns the log, once the service has ended."""
    keeps_events: bool
    """Whether standard output goes elsewhere."""


@contextmanager
def limited_files(folder: Path, sums: Sums, **variables: str) -> Iterator[SmallDisk]:
    """Serve from a disk that is full as soon as no file may grow; this works on any Linux."""
    with started(folder, sums.root, **variables) as service:

        def limit(size: int) -> None:
            _, hard = resource.prlimit(service.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (size, hard))

        yield SmallDisk(
            service,
            fill=lambda: limit(0),
            free=lambda: limit(resource.RLIM_INFINITY),
            log=lambda: service.log,
            keeps_events=False,
        )


@contextmanager
def small_volume(folder: Path, sums: Sums, **variables: str) -> Iterator[SmallDisk]:
    """Serve from a volume of a few megabytes, which a large file fills."""
    volume = folder / "volume"
    volume.mkdir()
    with mounts() as inside:
        inside.run("mount", "-t", "tmpfs", "-o", f"size={VOLUME_BYTES}", "tmpfs", str(volume))
        inside.run("ln", "-s", str(sums.root), str(volume / "models"))
        here = inside.seen_from_outside(volume)
        settings = variables | {"LOCAL_DATA": str(volume)}
        with started(folder, sums.root, prefix=inside.prefix, **settings) as service:
            yield SmallDisk(
                service,
                fill=lambda: fill_up(here / "ballast"),
                free=(here / "ballast").unlink,
                log=lambda: copied_log(here / "predictions.sqlite", folder / "copy"),
                keeps_events=True,
            )


def fill_up(ballast: Path) -> None:
    """Write until the volume is full."""
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError:
                    break


DISKS = (limited_files, small_volume)


def when_unwritable(service: Service) -> int:
    """Return the status of readiness as soon as it says that the log cannot be written.

    Not at once: on a disk that has just become full, a small write may still fit after a large one
    did not.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        status, body = service.ready()
        if "log cannot be written" in body["prediction_log"]:
            return status
        assert time.monotonic() < deadline, "It does not say so."
        time.sleep(0.01)


def wait_for(ledger: Ledger, status: int, *, unlogged: bool = False) -> float:
    """Wait until a request that was sent from now on is answered so; return how long that took."""
    since = time.monotonic()
    while not any(
        call.sent > since and (call.status, call.is_marked_unlogged) == (status, unlogged)
        for call in ledger.calls[-1000:]
    ):
        assert time.monotonic() < since + PATIENCE_SECONDS, ledger.statuses(since)
        time.sleep(0.01)
    return time.monotonic() - since


@pytest.mark.slow  # services are started, and recover within a second
@pytest.mark.parametrize("setting", ["refuse", "serve"])
def test_a_full_disk_is_reported_and_recovered_from(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault, setting: str
) -> None:
    """Nothing is answered unlogged in silence, and what was answered is in the log.

    `refuse`: 503 and not ready. `serve`: answers that are marked, each logged as an event.
    """
    fault = new_fault(f"disk full, then space again: {setting}")
    for number in range(rounds):
        folder, ledger = new_folder(tmp_path), Ledger()
        disk_of = DISKS[number % len(DISKS)]
        with disk_of(folder, sums, LOG_ON_FAILURE=setting) as disk:
            with Load(disk.service.port, ledger) as load:
                load.wait_for_calls(random.randrange(1, 200))  # noqa: S311 - pytest-randomly seeds it
                disk.fill()
                if setting == "refuse":
                    wait_for(ledger, 503)
                else:
                    wait_for(ledger, 200, unlogged=True)
                assert when_unwritable(disk.service) == (503 if setting == "refuse" else 200)
                time.sleep(random.uniform(0, 0.2))  # noqa: S311 - as above
                disk.free()
                fault.most("to recover (s, most)", wait_for(ledger, 200))
                assert disk.service.ready()[0] == 200
                load.wait_for_calls(100)
            assert disk.service.server.stop()[0] == 0
            found = ledger.compare([disk.log()], sums.judge)
            if disk.keeps_events:
                events = {
                    event["request_id"] for event in disk.service.events("unlogged-prediction")
                }
                marked = {call.request_id for call in ledger.calls if call.is_marked_unlogged}
                assert events == marked
        assert found.unknown == 0
        assert found.refused_but_logged == 0, found
        assert set(found.refused) <= {503}
        fault.count("refused with 503", found.refused[503])
        fault.count("marked unlogged", found.unlogged)
        fault.add(found)
