"""Copies of this process that do one thing and end."""

import ctypes
import gc
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

from api.server import signals

_ENDS_SECONDS = 20
"""How long a copy that is stopped may take to end what it started."""
_PR_SET_PDEATHSIG = 1


def fork(work: Callable[[], int]) -> int:
    """Do `work` in a copy of this process, which ends with its exit code; return its process id.

    Only from a process whose Python started no thread: the copy would have the locks that it held.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = work()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
        except BaseException:  # noqa: BLE001 - nothing may go on as if it were the first process
            traceback.print_exc()
        finally:
            # The copy must not run what the first process runs at its end.
            sys.stderr.flush()
            os._exit(code)
    return pid


def ask_copy(question: Callable[[], str]) -> tuple[int, str]:
    """Return the exit code and the answer of a copy; what it imported and opened ends with it.

    The copy ends with this process, however that ends. It has nothing open that is ours but
    standard output and error, and a Ctrl-C reaches this process alone, which ends the copy.
    """
    reader, writer = os.pipe()
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals.STOPPING)

    def answer() -> int:
        _stand_apart(parent, writer)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        with os.fdopen(writer, "w", encoding="utf-8") as file:
            file.write(question())
        return 0

    pid = 0
    try:
        try:
            pid = fork(answer)
        finally:
            # A signal that came meanwhile is handled here, where the copy's id is known.
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as file:
            text = file.read()
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text
    except BaseException:
        if pid:
            _end(pid)
        raise


def _stand_apart(parent: int, kept: int) -> None:
    """Let this copy of a process end with its parent, and share nothing open with it."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with suppress(OSError, AttributeError):  # only Linux has it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    highest = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, kept)
    os.closerange(kept + 1, highest)
    # What the copy does not look through stays shared with its parent.
    gc.freeze()


def _end(pid: int) -> None:
    """Stop a copy, and wait for it; one that takes too long is killed."""
    deadline = time.monotonic() + _ENDS_SECONDS
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGTERM)
        while not os.waitpid(pid, os.WNOHANG)[0]:
            if time.monotonic() >= deadline:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return
            time.sleep(0.02)
