"""The training that comes before serving, in a process of its own: its memory ends with it.

`train_apart` is what a service calls; it imports no library of a training. What it starts is this
module as a program.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mlops.commands.settings import load_settings
from mlops.commands.train import Parameters, parse_parameters, run
from mlops.console import Exit
from mlops.process.threads import environment_of_a_user, use_one_thread
from settings.sources import PROJECT_ROOT

_ENDS_SECONDS = 20
"""How long a training that is stopped may take to end its kernels."""
_PR_SET_PDEATHSIG = 1


def train_apart(
    data: Path | None = None, target: str = "", task: str = "", parameters: Sequence[str] = ()
) -> str:
    """Train on a table, or on what an empty store starts with; return the model's name.

    What the training prints is printed. It ends with this process, however that ends.

    Raises:
        typer.Exit: it failed, and said why.
    """
    given = [f"--parameter={pair}" for pair in parameters]
    if data is not None:
        given += [f"--data={data}", f"--target={target}", f"--task={task}"]
    # No secret is among the arguments; the settings are read again, from where they were.
    command = [sys.executable, "-m", __name__, str(os.getpid()), *given]
    # A group of its own: a Ctrl-C reaches this process alone, which ends the other in order.
    with subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        env=environment_of_a_user(),
    ) as process:
        try:
            text, _ = process.communicate()
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise typer.Exit(process.returncode if process.returncode > 0 else Exit.FAILED)
    return str(json.loads(text))


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_ENDS_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def main(
    parent: Annotated[int, typer.Argument()],
    data: Annotated[Path | None, typer.Option()] = None,
    target: Annotated[str, typer.Option()] = "",
    task: Annotated[str, typer.Option()] = "",
    parameter: Parameters = None,
) -> None:
    """Train, and print the model's name as JSON."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # The kernel of Linux sends it when the service is gone, even if that was killed.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)
    use_one_thread()
    settings = load_settings()
    if data is None:
        model = run(settings, PROJECT_ROOT / settings.train_if_empty, {}).model
    else:
        # Its libraries take long to import.
        from mlops.commands.train_table import train_table  # noqa: PLC0415

        given = {"target": target, "task": task} | parse_parameters(parameter or [])
        model = train_table(settings, data, given)
    typer.echo(json.dumps(model))


if __name__ == "__main__":
    typer.run(main)
