"""The command's output: tables for people, JSON for scripts, one sentence for an error."""

import json
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


_NAMES = frozenset({"Model", "Version", "From", "To"})


class Exit(IntEnum):
    """The exit codes, and what they mean."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print rows under headings."""
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in headings:
        # Folded, not cut: a cut path is of no use. What is copied to another command stays whole.
        table.add_column(heading, overflow="fold", no_wrap=heading in _NAMES)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def say(text: str) -> None:
    """Print a line of the command's result, for people."""
    typer.echo(text)


def notify(text: str) -> None:
    """Show a person a text that is not the result of the command, on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(text, markup=False)


def fail(sentence: str, code: Exit = Exit.FAILED) -> NoReturn:
    """Say what went wrong and what to do, and leave."""
    notify(f"mlops: {sentence}")
    raise typer.Exit(code)
