"""How the command speaks: tables for people, JSON for scripts, one sentence for what went wrong."""

import json
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


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
    table = Table(title=title or None, title_justify="left")
    for heading in headings:
        # Folded, not cut: a cut version id or path is of no use.
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def tell(text: str) -> None:
    """Tell a person something that is not the command's result; on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(text, markup=False)


def fail(sentence: str, code: Exit = Exit.FAILED) -> NoReturn:
    """Say what went wrong and what to do, and leave."""
    tell(f"mlops: {sentence}")
    raise typer.Exit(code)
