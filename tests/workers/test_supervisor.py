"""The supervisor: which processes it starts, when, and how they end.

It forks, which the process that runs the tests must not, as that has threads. So each programme
runs in a process of its own.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest

PROGRAMME = """
import os, signal, sys, time
from workers.worker_table import WorkerTable
from workers.child_process import report_to_supervisor
from workers.supervisor import Programme, Supervisor

WORKERS, LOG, WORK = int(sys.argv[1]), sys.argv[2], sys.argv[3]

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def act(name, how, after, control):
    say("start", name, os.getpid(), time.monotonic(), after or "-")
    if how == "refuse":
        report_to_supervisor(control, refusal=f"The {name} refuses.")
        return 1
    if how == "die":
        return 3
    report_to_supervisor(control, welcome=f"welcome of {name}")
    if how == "die-later" and after:
        return 3
    if how == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return None

def write_log(control, after):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = act("log", LOG, after, control)
    while code is None and control.recv(100):
        pass
    say("end", "log")
    return code or 0

def work(number, after, control, connection):
    code = act(f"worker-{number}", WORK, after, control)
    if code is None:
        control.recv(1)
    return code or 0

worker_table = WorkerTable(WORKERS)
programme = Programme(write_log, work, lambda number: say("clean", number),
                      lambda: say("refuse"), lambda text: say("ready", text))
said = Supervisor(programme, worker_table, stop_seconds=float(sys.argv[4])).run()
say("left", [member.pid for member in worker_table][1:], said)
"""


@dataclass
class Run:
    """A supervisor at work."""

    process: "subprocess.Popen[str]"

    def until(self, *words: str) -> list[str]:
        """Read until a line begins with these words; return it, as words."""
        return self.until_all(words)[0]

    def until_all(self, *beginnings: tuple[str, ...]) -> list[list[str]]:
        """Read until a line has begun in each of these ways; return them as they came."""
        assert self.process.stdout
        missing, found = list(beginnings), []
        for line in self.process.stdout:
            said = line.strip().split(" ")
            for words in [words for words in missing if said[: len(words)] == list(words)]:
                missing.remove(words)
                found.append(said)
            if not missing:
                return found
        pytest.fail(f"It never said {missing}.")

    def stop(self) -> str:
        """Send the signal to stop; return all that it printed since."""
        self.process.terminate()
        return self.rest()

    def rest(self) -> str:
        """Return all that it prints until its end."""
        said, _ = self.process.communicate()
        assert self.process.returncode == 0
        return said


@contextmanager
def supervisor(
    log: str = "stay", work: str = "stay", *, workers: int = 2, stop_seconds: float = 60
) -> Iterator[Run]:
    """Run a programme whose processes behave as `log` and `work` say."""
    arguments = [str(workers), log, work, str(stop_seconds)]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAMME, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Run(process)
        finally:
            process.kill()


def test_the_log_is_there_before_the_workers() -> None:
    """A refused log is reported before anything else is started."""
    with supervisor() as run:
        workers = ("start", "worker-1"), ("start", "worker-2")
        said = run.until_all(("start", "log"), *workers, ("ready", "welcome", "of"))
    assert said[0][:2] == ["start", "log"]
    assert said[-1][0] == "ready"


def test_a_stop_ends_the_workers_before_the_log() -> None:
    """Their requests in flight are logged; no process is left."""
    with supervisor() as run:
        run.until("ready")
        said = run.stop().splitlines()
    assert said[0] == "refuse"
    assert sorted(said[1:3]) == ["clean 1", "clean 2"]
    assert said[3:] == ["end log", "left [0, 0, 0] "]


def test_a_killed_worker_is_replaced_with_the_reason_reported() -> None:
    """The new one has the same number; the other worker goes on."""
    with supervisor() as run:
        pid = run.until("start", "worker-1")[2]
        run.until("ready")
        os.kill(int(pid), signal.SIGKILL)
        assert run.until("clean") == ["clean", "1"]
        _, name, _, _, *after = run.until("start")
        assert (name, after) == ("worker-1", ["signal", "9"])
        run.stop()


def test_workers_go_with_their_log() -> None:
    """The fate of the batches on their way to it is unknown."""
    with supervisor() as run:
        pid = run.until("start", "log")[2]
        run.until("ready")
        os.kill(int(pid), signal.SIGKILL)
        ended = ("clean", "1"), ("clean", "2")
        run.until_all(*ended, ("start", "log"), ("start", "worker-1"), ("start", "worker-2"))
        assert run.stop().endswith("left [0, 0, 0] \n")


def test_a_worker_that_keeps_ending_is_replaced_less_and_less_often() -> None:
    """It is replaced at once the first time, then after twice as long each time."""
    with supervisor(work="die-later", workers=1) as run:
        pid = run.until("start", "worker-1")[2]
        run.until("ready")
        os.kill(int(pid), signal.SIGKILL)
        starts = [float(run.until("start", "worker-1")[3]) for _ in range(4)]
    waits = [later - earlier for earlier, later in pairwise(starts)]
    assert all(wait >= least for wait, least in zip(waits, (0.1, 0.2, 0.4), strict=True))


@pytest.mark.parametrize(
    ("log", "work", "sentence"),
    [
        ("refuse", "stay", "The log refuses."),
        ("stay", "refuse", "The worker-1 refuses."),
        ("die", "stay", "The service could not start: see the events above."),
        ("stay", "die", "The service could not start: see the events above."),
    ],
)
def test_a_process_that_cannot_start_ends_the_service(log: str, work: str, sentence: str) -> None:
    """The service prints the reason, if there is one."""
    with supervisor(log, work, workers=1) as run:
        assert run.rest().endswith(f"left [0, 0] {sentence}\n")


def test_a_process_that_does_not_stop_is_killed() -> None:
    """It is killed after the time limit; the log is closed as always."""
    with supervisor(work="stubborn", workers=1, stop_seconds=0.2) as run:
        run.until("ready")
        assert run.stop().endswith("end log\nleft [0, 0] \n")


def test_all_end_with_a_killed_supervisor() -> None:
    """Their standard output is closed only once none of them is left."""
    with supervisor() as run:
        run.until("ready")
        run.process.kill()
        assert run.process.communicate()[0] == "end log\n"
