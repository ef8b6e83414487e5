"""System calls of a running process that fail, or kill it, at a chosen one: strace's injection."""

import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.server_process import PATIENCE_SECONDS

_TRACEABLE = """
import ctypes, os, sys
PR_SET_PTRACER, ANY = 0x59616D61, ctypes.c_ulong(-1)
ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANY, 0, 0, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
TRACEABLE = (sys.executable, "-c", _TRACEABLE)
"""Starts a command that strace may attach to where only ancestors may otherwise (Ubuntu)."""


def strace() -> str:
    """Return the command, which some faults cannot be made without."""
    found = shutil.which("strace")
    if found is None:
        pytest.fail(
            "This fault is made by strace, which is not here: apt-get install strace.",
            pytrace=False,
        )
    return found


@contextlib.contextmanager
def injected(pid: int, calls: str, fault: str, trace: Path) -> Iterator[None]:
    """Let system calls of a process and of all its threads go wrong meanwhile.

    Args:
        pid: the process.
        calls: names or classes of system calls, as strace takes them: `fsync,fdatasync`.
        fault: what becomes of them, as strace takes it: `error=EIO:when=3`; each thread has a count
            of its own.
        trace: the file that strace writes the calls to.
    """
    command = [strace(), "-f", "-p", str(pid), "-o", str(trace)]
    command += ["-e", f"trace={calls}", "-e", f"inject={calls}:{fault}"]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr
    try:
        said = tracer.stderr.readline()
        assert "attached" in said, f"strace cannot attach to the process: {said}"
        yield
    finally:
        tracer.terminate()
        tracer.communicate(timeout=PATIENCE_SECONDS)


def injected_from_the_start(calls: str, fault: str, trace: Path) -> tuple[str, ...]:
    """Return the words that start a command whose system calls go wrong, as `injected` says."""
    command = (strace(), "-D", "-f", "-qq", "-o", str(trace))
    return (*command, "-e", f"trace={calls}", "-e", f"inject={calls}:{fault}")


def injections(trace: Path) -> int:
    """Return how many system calls went wrong."""
    return len(re.findall(r"\(INJECTED\)", trace.read_text()))


def calls_made(trace: Path) -> int:
    """Return how many system calls were begun, by all threads."""
    begun = re.compile(r"^\d+ +\w+\(", re.MULTILINE)
    return len(begun.findall(trace.read_text()))
