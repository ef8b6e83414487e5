"""`mlops log`: the prediction log as JSON lines, derived from the database, so that they agree."""

import contextlib
import signal
import threading
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import typer

from mlops.commands.settings import load_settings
from mlops.console import Exit, JsonOption, fail, print_json, print_line, print_table
from monitoring.log.errors import LogUnavailableError
from monitoring.log.reading.reader import LogReader

app = typer.Typer(no_args_is_help=True, help="Read the prediction log; erase a person.")

MAX_SEQUENCE = 2**63 - 1
AFTER = typer.Option(min=0, max=MAX_SEQUENCE, help="Begin after this sequence number.")


NONE = (0, 0)


class BalanceRow(NamedTuple):
    """The two sides of the promise that an answered row is logged, for one version."""

    model: str
    version: str
    counted: int
    """Rows answered, according to the ledger."""
    logged: int
    """Rows in the log, and those that retention removed from it."""


@app.command()
def export(*, after: Annotated[int, AFTER] = 0) -> None:
    """Print every logged request, one JSON object a line, in the order of the log."""
    _print(_reader().export(after))


@app.command()
def follow(*, after: Annotated[int | None, AFTER] = None) -> None:
    """Print requests as they are logged, until interrupted."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    _print(_reader().follow(stop, after=after))


@app.command()
def check(*, as_json: JsonOption = False) -> None:
    """Compare the ledger with the rows that it counted. The exit code is 1 if they differ."""
    try:
        balance = _reader().check()
    except LogUnavailableError as error:
        fail(str(error))
    rows = [
        BalanceRow(
            *version, balance.ledger.get(version, NONE)[1], balance.logged.get(version, NONE)[1]
        )
        for version in sorted({*balance.ledger, *balance.logged})
    ]
    if as_json:
        print_json([row._asdict() for row in rows])
    else:
        print_table(
            ["Model", "Version", "Rows counted", "Rows logged, or removed since"],
            [(row.model, row.version, str(row.counted), str(row.logged)) for row in rows],
        )
    if not balance.holds:
        raise typer.Exit(Exit.FAILED)


def _reader() -> LogReader:
    return LogReader(load_settings().local_data / "predictions.sqlite")


def _print(lines: Iterable[str]) -> None:
    # A reader such as `head` that leaves early is no failure.
    with contextlib.suppress(BrokenPipeError):
        try:
            for line in lines:
                print_line(line)
        except LogUnavailableError as error:
            fail(str(error))
