"""`mlops log`: the prediction log as JSON lines, derived from the database, so that they agree."""

import contextlib
import signal
import threading
from collections.abc import Iterable
from typing import Annotated

import typer

from mlops.output import fail
from mlops.settings import load_settings
from monitoring.errors import LogUnavailableError
from monitoring.log_reader import LogReader

app = typer.Typer(no_args_is_help=True, help="Read the prediction log as JSON lines.")

After = Annotated[int, typer.Option(help="Begin after this sequence number.")]


@app.command()
def export(*, after: After = 0) -> None:
    """Print every logged request, one JSON object a line, in the order of the log."""
    _print(_reader().export(after))


@app.command()
def follow(
    *, after: Annotated[int | None, typer.Option(help="Begin after this sequence number.")] = None
) -> None:
    """Print requests as they are logged, until interrupted."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    _print(_reader().follow(stop, after=after))


def _reader() -> LogReader:
    return LogReader(load_settings().local_data / "predictions.sqlite")


def _print(lines: Iterable[str]) -> None:
    # A reader such as `head` that leaves early is no failure.
    with contextlib.suppress(BrokenPipeError):
        try:
            for line in lines:
                print(line, flush=True)  # noqa: T201 - the command's result
        except LogUnavailableError as error:
            fail(str(error))
