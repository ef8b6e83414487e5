"""The command's output: tables for people, JSON for scripts, one sentence for an error.

All that is printed goes through here: what comes from a store, a log or a person is plain text,
whatever it says to a terminal.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from model_store.names import on_one_line, printable

__all__ = [
    "Exit",
    "JsonOption",
    "agreed",
    "fail",
    "notify",
    "on_one_line",
    "print_json",
    "print_line",
    "print_table",
    "say",
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


_NAMES = frozenset({"Model", "Version", "From", "To"})
_UNSAFE_IN_JSON = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Exit(IntEnum):
    """The exit codes, and what they mean."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print_line(json.dumps(value, indent=2, ensure_ascii=False))


def print_line(text: str) -> None:
    """Print JSON that is a text already, for scripts, at once."""
    # What a terminal would obey stands between quotes, where JSON has an escape for it.
    safe = _UNSAFE_IN_JSON.sub(lambda found: _json_escapes(found[0]), text)
    print(safe, flush=True)  # noqa: T201 - the command's result


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print rows under headings; a cell may have several lines."""
    table = Table(
        title=Text(printable(title)) if title else None,
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading in headings:
        # Folded, not cut: a cut path is of no use. What is copied to another command stays whole.
        table.add_column(Text(heading), overflow="fold", no_wrap=heading in _NAMES)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console(highlight=False).print(table)


def say(text: str) -> None:
    """Print a part of the command's result for people, as plain text."""
    print(printable(text))  # noqa: T201 - the command's result


def notify(text: str) -> None:
    """Show a person a text that is not the result of the command, on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(Text(printable(text)))


def agreed(question: str, unasked: str) -> bool:
    """Ask a person; where nobody can be asked, leave with what to do instead."""
    if not sys.stdin.isatty():
        fail(f"Nobody can be asked here: {unasked}", Exit.USAGE)
    return typer.confirm(question, default=False, err=True)


def fail(sentence: str, code: Exit = Exit.FAILED) -> NoReturn:
    """Say what went wrong and what to do, and leave."""
    notify(f"mlops: {sentence}")
    raise typer.Exit(code)


def _json_escapes(characters: str) -> str:
    return json.dumps(characters)[1:-1] if characters != "\x7f" else "\\u007f"
