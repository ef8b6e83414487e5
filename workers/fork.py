"""Copies of this process that do one thing and end."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress


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
    """Return the exit code and the answer of a copy; what it imported and opened ends with it."""
    reader, writer = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))

    def answer() -> int:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reader)
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
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        raise
