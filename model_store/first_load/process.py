"""Starts the process of a first load, waits for it, and says what became of it."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import msgspec

from model_store.first_load.child import Answer, Question

_COMMAND = (
    "import sys; sys.path[:] = sys.argv[1:]; from model_store.first_load.child import main; main()"
)
_START_SECONDS = 40
"""What the start of a process may take on a busy machine, beside what it is limited to."""
# Of the environment, all that a process needs that loads libraries; no setting, no secret.
_PASSED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
_ENDS = {
    signal.SIGXCPU: "it took more than {seconds} s of processor time",
    signal.SIGALRM: "it took too long",
    signal.SIGKILL: "it took too long, or more memory than the machine has",
    signal.SIGXFSZ: "it wrote a file",
}


class EndedError(Exception):
    """The process gave no answer; the text says how it ended."""


class Processes:
    """The processes of first loads that run now."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def ask(self, question: Question) -> Answer:
        """Return what came of a first load.

        Raises:
            EndedError: the process crashed, or took more than it may.
            OSError: no process can be started.
        """
        process = self._start()
        try:
            text, _ = process.communicate(
                msgspec.json.encode(question), timeout=3 * question.seconds + _START_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise EndedError("it took too long") from None
        finally:
            _end(process)
            with self._lock:
                self._running.discard(process)
        if process.returncode:
            raise EndedError(_how(process.returncode, question.seconds))
        try:
            answer = msgspec.json.decode(text, type=Answer)
        except msgspec.MsgspecError as error:
            raise EndedError("it ended without an answer") from error
        if answer.lacked_memory:
            raise EndedError(f"it needs more than {question.memory_bytes >> 20} MiB of memory")
        return answer

    @property
    def closed(self) -> bool:
        """Whether they were ended from here."""
        return self._closed

    def close(self) -> None:
        """End all of them, and start no more."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            _kill(process)

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._closed:
                raise EndedError("the service stops")
            process = subprocess.Popen(  # noqa: S603 - ours
                [sys.executable, "-I", "-c", _COMMAND, *_path()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={name: os.environ[name] for name in _PASSED if name in os.environ}
                | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
            self._running.add(process)
        return process


def _path() -> list[str]:
    """Return where this process finds modules, whatever folder the other one works in."""
    here = os.getcwd()  # noqa: PTH109 - joined as a text
    return [os.path.join(here, folder) for folder in sys.path]  # noqa: PTH118 - as above


def _how(code: int, seconds: int) -> str:
    if code > 0:
        return f"it ended with exit code {code}"
    number = signal.Signals(-code)
    return _ENDS.get(number, f"it crashed ({number.name})").format(seconds=seconds)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        # Its session is its own: this ends what it started, too.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    _kill(process)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
