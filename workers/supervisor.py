"""Starts the processes of a service of several workers, replaces those that end, stops them all.

It has one thread and nothing else, no model, no log and no HTTP: so a copy of it starts clean, and
there is little that could end it. If it ends all the same, its connections to the others close, and
they end by themselves.
"""

import os
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from workers.child_process import Process, StartReport
from workers.fork import fork
from workers.signals import Signals
from workers.worker_table import LOG_SLOT, WorkerTable

GOOD_SECONDS = 1.0
"""A process that was ready for this long is replaced at once."""
FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 10.0
"""The longest delay for a process that does not become ready."""
READY_DELAY_SECONDS = 0.5
"""The longest delay for one that does: requests may be what ends it."""


@dataclass(frozen=True)
class Programme:
    """The work of the processes. The first two run in a process each, and return its exit code."""

    write_log: Callable[[socket.socket, str], int]
    """Gets a connection to the supervisor, and how the process before it ended, if one did."""
    work: Callable[[int, str, socket.socket, socket.socket], int]
    """The same after the worker's number, and last a connection to the log's process."""
    clean: Callable[[int], None]
    """Called in the supervisor when a worker has ended, with its number."""
    refuse: Callable[[], None]
    """Called when a stop was requested: no new connections."""
    welcome: Callable[[str], None]
    """Called once, when all processes are ready, with the text of one worker."""


class Supervisor:
    """Runs a programme.

    Args:
        programme: What to run.
        worker_table: Records which processes run.
        stop_seconds: How long the workers may take to stop.
    """

    def __init__(
        self, programme: Programme, worker_table: WorkerTable, *, stop_seconds: float
    ) -> None:
        self._programme = programme
        self._worker_table = worker_table
        self._stop_seconds = stop_seconds
        self._signals = Signals()
        self._selector = selectors.DefaultSelector()
        self._processes: dict[int, Process] = {}
        self._due = {LOG_SLOT: monotonic()}
        """When to start which process."""
        self._failures = dict.fromkeys(worker_table.slots, 0)
        self._ends = dict.fromkeys(worker_table.slots, "")
        self._served = False
        self._stopping = False
        self._kill_at: float | None = None
        self._refusal = ""

    def run(self) -> str:
        """Run until a stop is requested; return why the start failed, usually an empty text."""
        with self._signals, self._selector:
            self._selector.register(self._signals, selectors.EVENT_READ)
            while self._due or self._processes:
                self._wait()
                self._reap()
                if self._stopping:
                    self._go_on_stopping()
                elif self._signals.stop_requested or self._refusal:
                    self._stop()
                else:
                    self._forward_reload()
                    self._start_due()
        return self._refusal

    def _wait(self) -> None:
        """Wait until something happens or is due."""
        moments = [*self._due.values()] if self._kill_at is None else [self._kill_at]
        timeout = max(0.0, min(moments) - monotonic()) if moments else None
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                self._signals.drain()
            else:
                self._hear(key.data)

    def _hear(self, process: Process) -> None:
        complete, report = process.hear()
        if complete:
            self._selector.unregister(process.control)
        if report and report.refusal:
            self._refusal = self._refusal or ("" if self._served else report.refusal)
        elif report:
            self._ready(process, report)

    def _ready(self, process: Process, report: StartReport) -> None:
        process.ready_since = monotonic()
        if process.slot == LOG_SLOT:
            # Those that still end are started when they have.
            missing = self._worker_table.slots - self._processes.keys()
            self._due |= dict.fromkeys(missing, process.ready_since)
        ready = {p.slot for p in self._processes.values() if p.ready_since is not None}
        if not self._served and ready == self._worker_table.slots:
            self._served = True
            self._programme.welcome(report.welcome)

    def _reap(self) -> None:
        """Take note of the processes that have ended."""
        with suppress(ChildProcessError):
            while found := os.wait4(-1, os.WNOHANG):
                pid, status, usage = found
                if not pid:
                    return
                for process in [p for p in self._processes.values() if p.pid == pid]:
                    self._worker_table.ended(process.slot, usage.ru_utime + usage.ru_stime)
                    self._end(process, os.waitstatus_to_exitcode(status))

    def _end(self, process: Process, code: int) -> None:
        while process.control in self._selector.get_map():
            # It may have reported why just before it ended.
            self._hear(process)
        process.control.close()
        del self._processes[process.slot]
        self._ends[process.slot] = f"signal {-code}" if code < 0 else f"exit code {code}"
        if process.slot != LOG_SLOT:
            self._programme.clean(process.slot)
        if self._stopping or self._signals.stop_requested:
            return
        if not self._served:
            self._refusal = self._refusal or "The service could not start: see the events above."
        elif process.slot == LOG_SLOT:
            # The batches on their way to it may or may not be logged, so no worker may answer
            # them: all start anew.
            self._due = {LOG_SLOT: self._next_start(process)}
            self._signal_workers(signal.SIGKILL)
        elif LOG_SLOT in self._processes:
            self._due[process.slot] = self._next_start(process)

    def _next_start(self, ended: Process) -> float:
        """Return when to replace a process: at once, or later where that failed again and again."""
        now, slot, ready_since = monotonic(), ended.slot, ended.ready_since
        good = ready_since is not None and now - ready_since >= GOOD_SECONDS
        self._failures[slot] = 0 if good else self._failures[slot] + 1
        if self._failures[slot] <= 1:
            return now
        delay = FIRST_DELAY_SECONDS * 2.0 ** min(self._failures[slot] - 2, 10)
        longest = LONGEST_DELAY_SECONDS if ready_since is None else READY_DELAY_SECONDS
        return now + min(delay, longest)

    def _start_due(self) -> None:
        now = monotonic()
        for slot in [slot for slot, moment in self._due.items() if moment <= now]:
            del self._due[slot]
            self._start(slot)

    def _start(self, slot: int) -> None:
        ours, theirs = socket.socketpair()
        log_end, worker_end = socket.socketpair()

        def work() -> int:
            self._signals.forget()
            # What stayed open here would not close when the supervisor ends.
            self._selector.close()
            for process in self._processes.values():
                process.control.close()
            for end in (ours, log_end):
                end.close()
            if slot == LOG_SLOT:
                worker_end.close()
                return self._programme.write_log(theirs, self._ends[slot])
            return self._programme.work(slot, self._ends[slot], theirs, worker_end)

        with self._signals.held():
            pid = fork(work)
        if slot != LOG_SLOT:
            # Where the log's process is gone, this worker will be, too.
            with suppress(OSError):
                control = self._processes[LOG_SLOT].control
                socket.send_fds(control, [b"+"], [log_end.fileno()])
        for end in (theirs, log_end, worker_end):
            end.close()
        self._processes[slot] = Process(slot, pid, ours)
        self._selector.register(ours, selectors.EVENT_READ, self._processes[slot])
        self._worker_table.started(slot, pid)

    def _stop(self) -> None:
        self._stopping = True
        self._due = {}
        self._kill_at = monotonic() + self._stop_seconds
        self._programme.refuse()
        self._signal_workers(signal.SIGTERM)
        self._go_on_stopping()

    def _go_on_stopping(self) -> None:
        """Enforce what takes too long, and let the log's process go once no worker needs it."""
        if self._kill_at is not None and monotonic() >= self._kill_at:
            self._kill_at = None
            self._signal_workers(signal.SIGKILL)
        if self._processes.keys() == {LOG_SLOT}:
            self._kill_at = None
            with suppress(OSError):
                self._processes[LOG_SLOT].control.shutdown(socket.SHUT_WR)

    def _forward_reload(self) -> None:
        if self._signals.reload_requested:
            self._signals.reload_requested = False
            self._signal_workers(signal.SIGHUP)

    def _signal_workers(self, number: signal.Signals) -> None:
        for slot, process in self._processes.items():
            if slot != LOG_SLOT:
                os.kill(process.pid, number)
