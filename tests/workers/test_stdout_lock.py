"""Lines of several processes in one pipe."""

import json
import subprocess
import sys

WRITERS = """
import os, sys, tempfile
from api.observe import structured_log
from api.observe.structured_log import BackgroundStream
from workers.fork import fork
from workers.stdout_lock import StdoutLock

lock = tempfile.TemporaryFile()
structured_log.CLOSE_SECONDS = 60
begin, ready = os.pipe()

def write():
    os.close(ready)
    os.read(begin, 1)
    stream = BackgroundStream(1, StdoutLock(lock) if sys.argv[1] == "whole" else None)
    for number in range(30):
        stream.write(b'{"text":"' + b"x" * 300_000 + b'"}\\n')
        stream.write(b'{"text":"short"}\\n')
    stream.close()
    return 0

writers = [fork(write) for _ in range(3)]
os.close(ready)
for pid in writers:
    os.waitpid(pid, 0)
"""


def torn_lines(kind: str) -> int:
    """Return how many lines are not what one of three processes wrote."""
    command = [sys.executable, "-c", WRITERS, kind]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
    torn = 0
    for line in lines:
        try:
            assert json.loads(line)["text"] in {"short", "x" * 300_000}
        except (ValueError, AssertionError):
            torn += 1
    assert kind == "torn" or len(lines) == 180
    return torn


def test_a_line_stays_whole_however_long_it_is() -> None:
    """A pipe takes a few kilobytes at once, while a logged prediction may have megabytes."""
    assert torn_lines("whole") == 0


def test_the_harness_catches_lines_that_are_torn() -> None:
    """Without the lock, the same writers soon tear a line."""
    assert any(torn_lines("torn") for _ in range(20))
