"""The training that comes before serving. What serves afterwards is a program begun anew.

A training leaves its libraries and tables in the memory of its process. So this process trains, and
then becomes the service: the same process, with the address that it claimed, and nothing else.
"""

import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from api.server import signals
from mlops.commands.train import parse_parameters, run
from settings.settings import Settings
from settings.sources import PROJECT_ROOT

# Held back while one program becomes another, which would not hear them.
_HELD = {*signals.STOPPING, *signals.RELOADING, *signals.SURVIVED} - {signal.SIGINT}

LISTENER, TRAINED = "--listener", "--trained"
Listener = Annotated[int | None, typer.Option(LISTENER, hidden=True)]
Trained = Annotated[str | None, typer.Option(TRAINED, hidden=True)]


def train_first(
    settings: Settings, data: Path | None, target: str, task: str, parameters: Sequence[str]
) -> str:
    """Train on a table, or on what an empty store starts with; return the model's name.

    Raises:
        typer.Exit: it failed, and said why.
    """
    if data is None:
        return run(settings, PROJECT_ROOT / settings.train_if_empty, {}).model
    # Its libraries take long to import.
    from mlops.commands.train_table import train_table  # noqa: PLC0415

    given = {"target": target, "task": task} | parse_parameters(list(parameters))
    return train_table(settings, data, given)


def begin_anew(listener: socket.socket, model: str) -> None:
    """Replace this program by the same one, which is told what was trained; it does not return."""
    listener.set_inheritable(True)
    # Until the new program handles it: as process 1 of a container it would be lost otherwise.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    own = [f"{LISTENER}={listener.fileno()}", f"{TRAINED}={model}"]
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], *own])  # noqa: S606 - it is this


def inherited(number: int) -> socket.socket:
    """Return the address that this process claimed before it began anew."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    listener = socket.socket(fileno=number)
    listener.set_inheritable(False)
    return listener
