"""Starts the process of a first load, waits for it, and says what became of it."""

import signal
import subprocess
import threading

import msgspec

from model_store.first_load import python_process
from model_store.first_load.child import Answer, Question

START_SECONDS = 40
"""What the start of a process may take on a busy machine, beside what it is limited to."""
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
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
                msgspec.json.encode(question), timeout=3 * question.seconds + START_SECONDS
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
            python_process.kill(process)

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._closed:
                raise EndedError("the service stops")
            process = python_process.start(
                "model_store.first_load.child", stdout=subprocess.PIPE, environment=_ONE_THREAD
            )
            self._running.add(process)
        return process


def _how(code: int, seconds: int) -> str:
    if code > 0:
        return f"it ended with exit code {code}"
    number = signal.Signals(-code)
    return _ENDS.get(number, f"it crashed ({number.name})").format(seconds=seconds)


def _end(process: "subprocess.Popen[bytes]") -> None:
    python_process.kill(process)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
