"""A service of several workers: what each of its processes does.

The supervisor starts one process that writes the log, and the workers, which answer requests on one
socket and have their writes done by it.
"""

import asyncio
import gc
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from api import resources
from api.app import create_app
from api.chores import cancelled, checkpoint, retain
from api.event_log import BackgroundStream, EventLog, make_event_log
from api.journal import Journal
from api.roster import Roster
from api.server import run as run_server
from api.settings import Settings
from api.shared_listener import SharedListener
from api.shared_metrics import forget_worker, shared_metrics
from api.state import State
from mlops.output import tell
from mlops.preload import preload
from mlops.supervised import tell_supervisor
from mlops.supervisor import Programme, Supervisor
from mlops.turn import Turn
from monitoring.log.errors import LogUnavailableError
from monitoring.log.prediction_log import PredictionLog
from monitoring.log.remote_log import RemoteLog
from monitoring.log.server import LogServer

STANDARD_OUTPUT = 1
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there, safely
NOT_STARTED = "The service could not start: see the events above."
CLOSE_SECONDS = 5.0
"""How much longer than requests in flight may take, and hanging models, a stop may take."""


def run_workers(
    settings: Settings, listener: socket.socket, welcome: Callable[[State], str]
) -> str:
    """Serve until told to stop; return why the service could not start, usually an empty text.

    Args:
        settings: `service_workers` says how many workers.
        listener: The socket that all of them listen on.
        welcome: What a person is to be told once the service is ready.
    """
    preload(settings)
    # In memory where there is such a place: see `shared_metrics`.
    there = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(
        prefix="mlops-metrics-", dir=there, ignore_cleanup_errors=True
    ) as folder:
        parts = Parts(settings, listener, welcome, Path(folder))
        programme = Programme(
            write_log=parts.write_log,
            work=parts.work,
            clean=partial(forget_worker, Path(folder)),
            refuse=listener.close,
            welcome=tell,
        )
        # What is here now stays; collecting it in the copies would copy its memory, too.
        gc.freeze()
        stop_seconds = 2 * settings.service_shutdown_seconds + CLOSE_SECONDS
        return Supervisor(programme, parts.roster, stop_seconds=stop_seconds).run()


class Parts:
    """The parts of the programme, and what they share."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        welcome: Callable[[State], str],
        folder: Path,
    ) -> None:
        self.roster = Roster(settings.service_workers)
        self._settings = settings
        self._listener = listener
        self._welcome = welcome
        self._folder = folder
        self._turn = Turn((folder / "lines.lock").open("wb"))
        self._supervisor = os.getpid()

    def write_log(self, control: socket.socket, after: str) -> int:
        """Write the log for the workers, until the supervisor closes `control` or ends."""
        # Ctrl-C reaches all processes; this one ends last.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Its number is what a second service is told to stop, and means all of the first one.
        signal.signal(signal.SIGTERM, self._stop_service)
        self._listener.close()
        with closing(BackgroundStream(STANDARD_OUTPUT, self._turn)) as stream:
            events = make_event_log(self._settings.service_event_level, cast("BinaryIO", stream))
            try:
                log, _ = resources.prediction_log(self._settings)
            except resources.StartError as error:
                events.error("start-refused", reason=str(error))
                tell_supervisor(control, refusal=str(error))
                return 1
            with closing(log):
                if after:
                    Journal(log, events).tell("log-process-replaced", level="warning", after=after)
                gc.enable()
                tell_supervisor(control)
                asyncio.run(_write_log(log, control, events))
        # The supervisor does so, too, unless it was killed.
        shutil.rmtree(self._folder, ignore_errors=True)
        return 0

    def work(
        self, number: int, after: str, control: socket.socket, connection: socket.socket
    ) -> int:
        """Answer requests until told to stop."""
        # It ends with the supervisor, and with the log: see `RemoteLog`.
        threading.Thread(target=_end_with, args=(control,), daemon=True).start()
        log = RemoteLog(
            connection,
            resources.log_path(self._settings),
            worker=number,
            on_lost=partial(os._exit, 1),
        )

        def ready(state: State) -> None:
            gc.freeze()
            gc.enable()
            tell_supervisor(control, welcome=self._welcome(state))

        with closing(BackgroundStream(STANDARD_OUTPUT, self._turn)) as stream:
            events = make_event_log(
                self._settings.service_event_level, cast("BinaryIO", stream)
            ).bind(worker=number)
            if after:
                Journal(log, events).tell("worker-replaced", level="warning", after=after)
            app = create_app(
                self._settings,
                events=events,
                counted=shared_metrics(self._folder, number, self.roster),
                open_log=lambda _: _opened(log),
            )
            share = partial(self.roster.has_its_part, number)
            accept = partial(SharedListener, self._listener, has_its_part=share)
            ran = run_server(app, accept, self._settings, events, ready)
        if not ran:
            tell_supervisor(control, refusal=app.state.refusal or NOT_STARTED)
        return 0 if ran else 1

    def _stop_service(self, *_: object) -> None:
        if os.getppid() == self._supervisor:
            os.kill(self._supervisor, signal.SIGTERM)


async def _write_log(log: PredictionLog, control: socket.socket, events: EventLog) -> None:
    chores = [asyncio.create_task(chore) for chore in (retain(log, events), checkpoint(log))]
    await asyncio.to_thread(LogServer(log, control).serve)
    for chore in chores:
        await cancelled(chore)


def _opened(log: RemoteLog) -> tuple[RemoteLog, str]:
    """Return the log, and why it cannot be written now."""
    try:
        log.open()
    except LogUnavailableError as error:
        return log, str(error)
    return log, ""


def _end_with(control: socket.socket) -> None:
    try:
        control.recv(1)
    finally:
        os._exit(1)
