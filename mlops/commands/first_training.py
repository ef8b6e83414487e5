"""The training that comes before serving, in a copy of this process: its memory ends with it."""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from mlops.commands.settings import load_settings
from mlops.commands.train import parse_parameters, run
from mlops.console import Exit
from settings.sources import PROJECT_ROOT
from workers.fork import ask_copy


def train_apart(
    data: Path | None = None, target: str = "", task: str = "", parameters: Sequence[str] = ()
) -> str:
    """Train on a table, or on what an empty store starts with; return the model's name.

    What the training prints is printed. It ends with this process, however that ends; this process
    imports no library of a training.

    Raises:
        typer.Exit: it failed, and said why.
    """

    def train() -> str:
        try:
            return _train(data, target, task, parameters)
        except typer.Exit as error:
            sys.exit(error.exit_code)

    code, model = ask_copy(train)
    if code:
        raise typer.Exit(code if code > 0 else Exit.FAILED)
    return model


def _train(data: Path | None, target: str, task: str, parameters: Sequence[str]) -> str:
    settings = load_settings()
    if data is None:
        return run(settings, PROJECT_ROOT / settings.train_if_empty, {}).model
    # Its libraries take long to import.
    from mlops.commands.train_table import train_table  # noqa: PLC0415

    given = {"target": target, "task": task} | parse_parameters(list(parameters))
    return train_table(settings, data, given)
