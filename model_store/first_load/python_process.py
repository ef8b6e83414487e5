"""Starts processes of this Python that have our modules, and no setting and no secret of ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

_COMMAND = (
    "import sys; sys.path[:] = sys.argv[2:]; from importlib import import_module as module; "
    "module(sys.argv[1]).main()"
)
# Memory is limited by addresses, of which the allocator would take 64 MiB for each thread.
_FEW_ADDRESSES = {"MALLOC_ARENA_MAX": "2"}
# Of the environment, all that a process needs that loads libraries.
PASSED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


def start(
    module: str, *, stdout: int, environment: Mapping[str, str], descriptors: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """Start the function `main` of one of our modules, in a session of its own.

    Args:
        module: Its full name.
        stdout: As for `Popen`; standard input is a pipe, and errors go nowhere.
        environment: Variables beside those that are passed.
        descriptors: Open files that it gets, too.

    Raises:
        OSError: no process can be started.
    """
    return subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-I", "-c", _COMMAND, module, *_path()],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={
            **{name: os.environ[name] for name in PASSED if name in os.environ},
            **_FEW_ADDRESSES,
            **environment,
        },
        start_new_session=True,
        pass_fds=descriptors,
    )


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process that still runs, and what it started."""
    if process.poll() is None:
        # Its session is its own.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _path() -> list[str]:
    """Return where this process finds modules, whatever folder the other one works in."""
    here = os.getcwd()  # noqa: PTH109 - joined as a text
    return [os.path.join(here, folder) for folder in sys.path]  # noqa: PTH118 - as above
