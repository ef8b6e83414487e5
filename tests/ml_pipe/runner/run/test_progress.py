"""What a run is doing is shown from its first second, on a terminal and in a log."""

import io
import re
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from rich.console import Console

from ml_pipe.runner.run import progress
from ml_pipe.runner.run.notebook_run import phases_of
from ml_pipe.runner.run.progress import doing, show_phases
from ml_pipe.runner.run.run_folder import DOING, VARIABLE


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOGGED_AFTER_SECONDS", 0.05)
    monkeypatch.setattr(progress, "_TICK_SECONDS", 0.01)


def until(found: Callable[[], object]) -> None:
    """Wait for something to happen."""
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_log_has_one_line_for_each_phase_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the time since the start; a phase that is over at once has none."""
    text = io.StringIO()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with show_phases("reading", Console(file=text)) as phases:
        phases.watch(tmp_path)
        until(lambda: "reading" in text.getvalue())
        for number in range(100):
            phases.show(f"short {number}")
        phases.show("02_train: Train")
        until(lambda: "Train" in text.getvalue())
        doing("fitting the forest")
        until(lambda: "forest" in text.getvalue())
        phases.show("02_train: Scores")
        until(lambda: "Scores" in text.getvalue())
    lines = [re.sub(r"^\d:\d\d:\d\d ", "", line) for line in text.getvalue().splitlines()]
    assert lines == [
        "reading",
        "02_train: Train",
        "02_train: Train, fitting the forest",
        "02_train: Scores",
    ]


def test_a_terminal_has_a_line_that_moves(tmp_path: Path) -> None:
    """Elapsed time, the phase, and how long it takes already; it is gone at the end."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    with show_phases("reading", console) as phases:
        until(lambda: "reading (0:00:00)" in text.getvalue())
        phases.show("02_train: Train")
        until(lambda: "02_train: Train (0:00:00)" in text.getvalue())
    assert "0:00:00" in text.getvalue()
    assert text.getvalue().endswith("\x1b[1A\x1b[2K")


def test_a_kernel_of_no_run_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand the cell itself is what runs."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    doing("fitting")
    assert not (tmp_path / DOING).exists()


def test_a_phase_is_the_heading_above_a_cell() -> None:
    """With the notebook's name; cells above the first heading have that alone."""
    cells = [
        nbformat.v4.new_markdown_cell("# Train\n\n> What it is for"),
        nbformat.v4.new_code_cell("first"),
        nbformat.v4.new_markdown_cell("## Split\n\nThree sets"),
        nbformat.v4.new_code_cell("second"),
        nbformat.v4.new_markdown_cell("No heading"),
        nbformat.v4.new_code_cell("third"),
    ]
    phases = phases_of("02_train", {"cells": cells})
    code = [phases[cell["id"]] for cell in cells if cell["cell_type"] == "code"]
    assert code == ["02_train", "02_train: Split", "02_train: Split"]
