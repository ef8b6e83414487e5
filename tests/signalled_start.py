"""Commands that run another one with signals of its own, as `process_of` takes them."""

import sys
from collections.abc import Iterable

# As soon as the command handles SIGUSR1 it gets the signals, one after the other.
_SIGNALLED = """
import os, signal, sys, time
from pathlib import Path
command = os.getpid()
if os.fork() == 0:
    caught = 0
    while not caught >> (signal.SIGUSR1 - 1) & 1:
        status = Path(f"/proc/{command}/status").read_text()
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        time.sleep(0.005)
    for number in filter(None, sys.argv[1].split(",")):
        os.kill(command, int(number))
        time.sleep(0.005)
    os._exit(0)
os.execvp(sys.argv[2], sys.argv[2:])
"""
_GROUP = "import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])"

in_a_group: tuple[str, ...] = (sys.executable, "-c", _GROUP)
"""Runs a command in a process group of its own, which can be signalled as a whole."""


def signalled(numbers: Iterable[int]) -> tuple[str, ...]:
    """Return a command that runs another one, and sends it these signals while it starts."""
    return (sys.executable, "-c", _SIGNALLED, ",".join(str(int(number)) for number in numbers))
