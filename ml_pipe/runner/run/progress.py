"""What a run is doing, from its first second: a line that moves, or one line a phase in a log.

The phase is a notebook and the heading above the cell that runs; a cell may add to it by `doing`.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ml_pipe.runner.run.run_folder import DOING, VARIABLE
from ml_pipe.runner.source.kernel_history import shell
from model_store.names import on_one_line

Show = Callable[[str], None]
"""Is called when a phase begins, with its name."""

LOGGED_AFTER_SECONDS = 2.0
"""Where there is no terminal, a phase that ends sooner has no line."""
_TICK_SECONDS = 0.25


def doing(what: str) -> None:
    """Say what a cell of a run is at, as "fitting the forest"; by hand, nothing is shown."""
    if folder := os.environ.get(VARIABLE):
        # Whoever watches may read at any time.
        beside = Path(folder, f".{DOING}")
        beside.write_text(what, "utf-8")
        beside.replace(Path(folder, DOING))


@contextlib.contextmanager
def show_phases(first: str, console: Console | None = None) -> Iterator["Phases"]:
    """Show what goes on until the block ends, beginning with a first phase."""
    phases = Phases()
    with contextlib.ExitStack() as stack:
        if shell() is not None:
            phases.begin_with(_cell_output())
        else:
            console = console or Console(stderr=True, highlight=False)
            shown = _on_terminal if console.is_terminal else _in_log
            stack.enter_context(shown(phases, console))
        phases.show(first)
        yield phases


class Phases:
    """The phase that a run is in, and for how long."""

    def __init__(self) -> None:
        self._began = self._changed = time.monotonic()
        self._name = ""
        self._folder: Path | None = None
        self._changed_to: Show = lambda _: None

    def begin_with(self, changed_to: Show) -> None:
        """Call this whenever a phase begins."""
        self._changed_to = changed_to

    def watch(self, folder: Path) -> None:
        """Read from a run's folder what its kernels say by `doing`."""
        self._folder = folder

    def show(self, name: str) -> None:
        """Begin a phase."""
        if self._folder:
            (self._folder / DOING).unlink(missing_ok=True)
        if name != self._name:
            self._name, self._changed = name, time.monotonic()
            self._changed_to(name)

    @property
    def now(self) -> str:
        """Return the phase, with what its cell is at."""
        what = ""
        if self._folder:
            with contextlib.suppress(OSError):
                what = (self._folder / DOING).read_text("utf-8")
        return f"{self._name}, {what}" if what else self._name

    @property
    def seconds(self) -> float:
        """Return how long the phase takes already."""
        return time.monotonic() - self._changed

    @property
    def total_seconds(self) -> float:
        """Return how long all of it takes already."""
        return time.monotonic() - self._began


@contextlib.contextmanager
def _on_terminal(phases: Phases, console: Console) -> Iterator[None]:
    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)

        def draw() -> None:
            text = f"{phases.now} ({timedelta(seconds=int(phases.seconds))})"
            progress.update(task, description=on_one_line(text))

        with _ticking(draw):
            yield


@contextlib.contextmanager
def _in_log(phases: Phases, console: Console) -> Iterator[None]:
    logged = ""

    def log() -> None:
        nonlocal logged
        now = phases.now
        if phases.seconds >= LOGGED_AFTER_SECONDS and now != logged:
            logged = now
            text = f"{timedelta(seconds=int(phases.total_seconds))} {now}"
            console.print(on_one_line(text), markup=False, soft_wrap=True)

    with _ticking(log):
        yield


@contextlib.contextmanager
def _ticking(act: Callable[[], None]) -> Iterator[None]:
    """Act several times a second until the block ends."""
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(_TICK_SECONDS):
            act()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _cell_output() -> Show:
    """Return what updates a line below the cell that runs now."""
    from IPython import display  # noqa: PLC0415 - in a kernel it is there

    show: Any = display.display  # it has no types
    began = time.monotonic()
    handle = show(_Text(""), display_id=True)

    def update(name: str) -> None:
        handle.update(_Text(f"{name}, after {time.monotonic() - began:.0f} s"))

    return update


class _Text:
    """What a notebook shows as it is, without the quotes of a string."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text
