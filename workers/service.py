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
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from api.app import create_app
from api.background.background_tasks import cancelled, checkpoint, retain
from api.observe.audit_log import AuditLog
from api.observe.structured_log import BackgroundStream, StructuredLog, make_structured_log
from api.server import signals
from api.server.server import run as run_server
from api.state import State
from model_store.model_process.shared_folder import shared_folder
from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.prediction_log import PredictionLog
from settings import factories
from settings.settings import Settings
from workers.child_process import report_to_supervisor
from workers.log_client import LogClient
from workers.log_server import LogServer
from workers.preload import preload
from workers.shared_listener import SharedListener
from workers.shared_metrics import forget_worker, shared_metrics
from workers.stdout_lock import StdoutLock
from workers.supervisor import Programme, Supervisor
from workers.worker_table import WorkerTable

STANDARD_OUTPUT = 1
FIRST = 1
"""The number of the first worker."""
NOT_STARTED = "The service could not start: see the events above."
CLOSE_SECONDS = 5.0
"""How much longer a stop may take than requests in flight and hanging models."""


def run_workers(
    settings: Settings,
    listener: socket.socket,
    welcome: Callable[[State], str],
    announce: Callable[[str], None],
) -> str:
    """Serve until a stop is requested; return why the start failed, usually an empty text.

    Args:
        settings: `service_workers` says how many workers.
        listener: The socket that all of them listen on.
        welcome: Returns what to announce once the service is ready.
        announce: Shows a person a text.
    """
    preload(settings)
    with shared_folder() as folder:
        parts = Parts(settings, listener, welcome, announce, folder)
        programme = Programme(
            write_log=parts.write_log,
            work=parts.work,
            clean=partial(forget_worker, folder),
            refuse=listener.close,
            welcome=announce,
        )
        # What is here now stays; collecting it in the copies would copy its memory, too.
        gc.freeze()
        stop_seconds = 2 * settings.service_shutdown_seconds + CLOSE_SECONDS
        return Supervisor(programme, parts.worker_table, stop_seconds=stop_seconds).run()


class Parts:
    """The work of each process, and what the processes share."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        welcome: Callable[[State], str],
        announce: Callable[[str], None],
        folder: Path,
    ) -> None:
        self.worker_table = WorkerTable(settings.service_workers)
        self._settings = settings
        self._listener = listener
        self._welcome = welcome
        self._announce = announce
        self._folder = folder
        self._lock = StdoutLock((folder / "lines.lock").open("wb"))
        self._supervisor = os.getpid()

    def write_log(self, control: socket.socket, after: str) -> int:
        """Write the log for the workers, until the supervisor closes `control` or ends."""
        # Ctrl-C and its like reach all processes; this one ends last.
        signals.handle({signals.STOPPING: None})
        # A second service names this process as the one to stop, and means the whole service.
        signal.signal(signal.SIGTERM, self._stop_service)
        self._listener.close()
        with closing(BackgroundStream(STANDARD_OUTPUT, self._lock)) as stream:
            events = make_structured_log(
                self._settings.service_event_level, cast("BinaryIO", stream)
            )
            try:
                log, _ = factories.prediction_log(self._settings)
            except factories.StartError as error:
                events.error("start-refused", reason=str(error))
                report_to_supervisor(control, refusal=str(error))
                return 1
            with closing(log):
                if after:
                    AuditLog(log, events).record(
                        "log-process-replaced", level="warning", after=after
                    )
                gc.enable()
                report_to_supervisor(control)
                asyncio.run(_write_log(log, control, events))
        # The supervisor does so, too, unless it was killed.
        shutil.rmtree(self._folder, ignore_errors=True)
        return 0

    def work(
        self, number: int, after: str, control: socket.socket, connection: socket.socket
    ) -> int:
        """Answer requests until a stop is requested."""
        # It ends with the supervisor, and with the log: see `LogClient`.
        threading.Thread(target=_end_with, args=(control,), daemon=True).start()
        log = LogClient(
            connection,
            factories.log_path(self._settings),
            worker=number,
            on_lost=partial(os._exit, 1),
        )

        def ready(state: State) -> None:
            gc.freeze()
            gc.enable()
            report_to_supervisor(control, welcome=self._welcome(state))
            if number == FIRST and not after:
                state.reloader.call_when_loaded(lambda: self._announce(self._welcome(state)))

        with closing(BackgroundStream(STANDARD_OUTPUT, self._lock)) as stream:
            events = make_structured_log(
                self._settings.service_event_level, cast("BinaryIO", stream)
            ).bind(worker=number)
            if after:
                AuditLog(log, events).record("worker-replaced", level="warning", after=after)
            app = create_app(
                self._settings,
                events=events,
                counted=shared_metrics(self._folder, number, self.worker_table),
                shared=self._folder,
                open_log=lambda _: _opened(log),
            )
            share = partial(self.worker_table.has_its_share, number)
            accept = partial(SharedListener, self._listener, has_its_share=share)
            ran = run_server(app, accept, self._settings, events, ready)
        if not ran:
            report_to_supervisor(control, refusal=app.state.refusal or NOT_STARTED)
        return 0 if ran else 1

    def _stop_service(self, *_: object) -> None:
        if os.getppid() == self._supervisor:
            os.kill(self._supervisor, signal.SIGTERM)


async def _write_log(log: PredictionLog, control: socket.socket, events: StructuredLog) -> None:
    background_tasks = [
        asyncio.create_task(task) for task in (retain(log, events), checkpoint(log))
    ]
    await asyncio.to_thread(LogServer(log, control).serve)
    for task in background_tasks:
        await cancelled(task)


def _opened(log: LogClient) -> tuple[LogClient, str]:
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
