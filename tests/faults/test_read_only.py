"""The data folder cannot be written, and then can again."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.conftest import NewFault, Sums
from tests.faults.ledger import Ledger
from tests.faults.load import Load, ask
from tests.faults.mounts import mounts
from tests.faults.service import Service, new_folder, started

_RIGHTS = "-dac_override,-dac_read_search"

ReadOnly = tuple[tuple[str, ...], Callable[[], None]]
"""The words that start a command for which the folder is read-only, and what ends that."""


@contextmanager
def forbidden(folder: Path) -> Iterator[ReadOnly]:
    """Forbid writing to the folder, to root as well; this works on any Linux."""
    prefix = ("setpriv", f"--bounding-set={_RIGHTS}", f"--inh-caps={_RIGHTS}", "--")
    logs = [*folder.glob("predictions.sqlite*")]
    modes = [(path, path.stat().st_mode) for path in (folder, *logs)]

    def allow() -> None:
        for path, mode in modes:
            # Whoever closes the log last removes the files beside it.
            with suppress(FileNotFoundError):
                path.chmod(mode)

    for path, mode in modes:
        path.chmod(mode & ~0o222)
    try:
        yield prefix if os.geteuid() == 0 else (), allow
    finally:
        allow()


@contextmanager
def mounted_read_only(folder: Path) -> Iterator[ReadOnly]:
    """Mount the folder read-only, for the service alone."""
    with mounts() as inside:
        inside.run("mount", "--bind", str(folder), str(folder))
        inside.run("mount", "-o", "remount,bind,ro", str(folder))
        writable = ("mount", "-o", "remount,bind,rw", str(folder))
        yield inside.prefix, lambda: inside.run(*writable)


WAYS = (forbidden, mounted_read_only)


@pytest.mark.slow  # services are started, and recover within a second
@pytest.mark.parametrize("setting", ["refuse", "serve"])
def test_a_read_only_folder_is_reported_and_recovered_from(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault, setting: str
) -> None:
    """The service starts, serves as the setting says, and readiness says why.

    With a log from before, or without; once the folder can be written, the log is.
    """
    fault = new_fault(f"read-only data folder: {setting}")
    for number in range(rounds):
        folder, ledger = new_folder(tmp_path), Ledger()
        with_log = number // len(WAYS) % 2
        if with_log:
            before(folder, sums, ledger)
        # What the harness itself keeps there.
        (folder / "models").unlink(missing_ok=True)
        (folder / "models").symlink_to(sums.root)
        for name in ("events", "settings.ini"):
            (folder / name).touch()
        with ExitStack() as ending:
            prefix, allow = ending.enter_context(WAYS[number % len(WAYS)](folder))
            service = ending.enter_context(
                started(folder, sums.root, prefix=prefix, LOG_ON_FAILURE=setting)
            )
            with Load(service.port, ledger) as load:
                load.wait_for_calls(50)
                status, body = service.ready()
                assert status == (503 if setting == "refuse" else 200)
                assert "log cannot be written" in body["prediction_log"]
                fault.count("starts reported as unwritable")
                allow()
                fault.most("to recover (s, most)", seconds_until_writable(service))
                load.wait_for_calls(50)
            assert ledger.calls[-1].status == 200
            assert service.server.stop()[0] == 0
        found = ledger.compare([folder / "predictions.sqlite"], sums.judge)
        assert found.refused_but_logged == 0
        assert set(found.refused) <= {503}
        fault.count("refused with 503", found.refused[503])
        fault.count("marked unlogged", found.unlogged)
        fault.add(found)


def seconds_until_writable(service: Service) -> float:
    """Wait until the service says that its log can be written; return how long that took."""
    since = time.monotonic()
    while service.ready()[1]["prediction_log"] != "writable":
        assert time.monotonic() < since + PATIENCE_SECONDS, "It does not recover."
        time.sleep(0.01)
    return time.monotonic() - since


def before(folder: Path, sums: Sums, ledger: Ledger) -> None:
    """Let there be a log from before, whose service was killed."""
    with started(folder, sums.root) as service, service.connected() as connection:
        for _ in range(5):
            ask(connection, ledger)
