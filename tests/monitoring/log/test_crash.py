"""Acknowledged rows survive `kill -9`, and the harness can find a log that loses some."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.monitoring.log.killed_writers import compare

WRITER = """
import itertools, os, sys
from datetime import UTC, datetime
from pathlib import Path
from monitoring.log.writing.batch import Entry
from monitoring.log.options import LogOptions
from monitoring.log.writing.prediction_log import PredictionLog

class EagerLog(PredictionLog):
    # The control: it acknowledges at once and commits later.
    waiting = []
    def write(self, entries):
        self.waiting += entries
        if len(self.waiting) > 40:
            super().write(self.waiting)
            self.waiting.clear()

path, kind, round_number = sys.argv[1:]
log = {"log": PredictionLog, "control": EagerLog}[kind](
    Path(path), LogOptions(), lambda: datetime.now(UTC))
log.open()
for number in itertools.count():
    names = [f"{round_number}-{number}-{part}" for part in range(1 + number % 5)]
    now = datetime.now(UTC)
    log.write([Entry(name, now, "m", "v", "answered", 1, 0.1, b'[{"a":1}]', b'[{"b":1}]')
               for name in names])
    os.write(1, (" ".join(names) + "\\n").encode())
"""
LARGEST_BATCH = 5


def acknowledged_until_killed(path: Path, kind: str, number: int, moment: int) -> list[str]:
    """Kill a writer once it acknowledged `moment` batches; return all that it acknowledged."""
    command = [sys.executable, "-c", WRITER, str(path), kind, str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(moment)]
        writer.kill()
        lines += writer.stdout.readlines()
    # A line cut short was not acknowledged.
    return [name for line in lines if line.endswith("\n") for name in line.split()]


@pytest.mark.slow  # twenty processes are started and killed
def test_a_killed_writer_loses_nothing_that_it_acknowledged(path: Path) -> None:
    """Lost and doubled are 0; of each round at most the last batch is there unacknowledged."""
    lost, doubled, unacknowledged = compare(acknowledged_until_killed, path, "log", rounds=20)
    assert (lost, doubled) == (0, 0)
    assert unacknowledged <= 20 * LARGEST_BATCH


def test_the_harness_catches_a_log_that_acknowledges_before_it_commits(path: Path) -> None:
    """The control: without it, the test above would prove nothing."""
    lost, _, _ = compare(acknowledged_until_killed, path, "control", rounds=4)
    assert lost > 0
