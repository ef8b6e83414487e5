"""Rows acknowledged to a worker survive a `kill -9` of the process that writes the log."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.monitoring.log.killed_writers import compare

WORKER = """
import itertools, os, socket, sys
from datetime import UTC, datetime
from pathlib import Path
from monitoring.log.writing.batch import Entry
from workers.log_messages import Reply
from workers.log_server import LogServer
from monitoring.log.options import LogOptions
from monitoring.log.writing.prediction_log import PredictionLog
from workers.log_client import LogClient

class EagerServer(LogServer):
    # The control: it acknowledges at once and commits later.
    waiting = []
    def _write(self, writes):
        self.waiting += writes
        if len(self.waiting) > 40:
            super()._write(self.waiting)
            self.waiting.clear()
        return [(connection, Reply()) for connection, _ in writes]

path, kind, round_number = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
ours, theirs = socket.socketpair()
pid = os.fork()
if pid == 0:
    ours.close()
    with PredictionLog(path, LogOptions(), lambda: datetime.now(UTC)) as log:
        {"log": LogServer, "control": EagerServer}[kind](log, theirs).serve()
    os._exit(0)
theirs.close()
connection, other_end = socket.socketpair()
socket.send_fds(ours, [b"+"], [other_end.fileno()])
other_end.close()
os.write(1, f"{pid}\\n".encode())
log = LogClient(connection, path, worker=1, on_lost=lambda: os._exit(0))
for number in itertools.count():
    names = [f"{round_number}-{number}-{part}" for part in range(1 + number % 5)]
    now = datetime.now(UTC)
    log.write([Entry(name, now, "m", "v", "answered", 1, 0.1, b'[{"a":1}]', b'[{"b":1}]')
               for name in names])
    os.write(1, (" ".join(names) + "\\n").encode())
"""
LARGEST_BATCH = 5


def acknowledged_until_killed(path: Path, kind: str, number: int, moment: int) -> list[str]:
    """Kill the log's process after `moment` batches; return all ids that the worker printed."""
    command = [sys.executable, "-c", WORKER, str(path), kind, str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        log_process = int(worker.stdout.readline())
        lines = [worker.stdout.readline() for _ in range(moment)]
        os.kill(log_process, signal.SIGKILL)
        lines += worker.stdout.readlines()
    assert worker.returncode == 0
    return [name for line in lines for name in line.split()]


@pytest.mark.slow  # ten pairs of processes are started and killed
def test_a_killed_log_process_loses_nothing_that_was_acknowledged(path: Path) -> None:
    """Lost and doubled are 0; of each round at most the last batch is there unacknowledged."""
    lost, doubled, unacknowledged = compare(acknowledged_until_killed, path, "log", rounds=10)
    assert (lost, doubled) == (0, 0)
    assert unacknowledged <= 10 * LARGEST_BATCH


def test_the_harness_catches_a_server_that_acknowledges_before_it_commits(path: Path) -> None:
    """The control: without it, the test above would prove nothing."""
    lost, _, _ = compare(acknowledged_until_killed, path, "control", rounds=4)
    assert lost > 0
