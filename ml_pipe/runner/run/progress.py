"""How far a run is: a bar on a terminal, a line that changes in a notebook, nothing elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import Progress

from ml_pipe.runner.source.kernel_history import shell

Advance = Callable[[str], None]
"""Is called after each cell, with what runs."""


@contextlib.contextmanager
def progress_bar(total: int) -> Iterator[Advance]:
    """Show how many of so many cells have run; call what is yielded after each."""
    kernel = shell()
    if kernel is not None:
        yield _line(total)
        return
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)

        def advance(description: str) -> None:
            progress.update(task, advance=1, description=description)

        yield advance


def _line(total: int) -> Advance:
    """Return what updates a line below the cell that runs now."""
    from IPython import display  # noqa: PLC0415 - in a kernel it is there

    show: Any = display.display  # it has no types
    began, done = time.monotonic(), 0
    handle = show(_Text(f"0 of {total} cells"), display_id=True)

    def advance(description: str) -> None:
        nonlocal done
        done += 1
        seconds = time.monotonic() - began
        handle.update(_Text(f"{description}: {done} of {total} cells, {seconds:.0f} s"))

    return advance


class _Text:
    """What a notebook shows as it is, without the quotes of a string."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text
