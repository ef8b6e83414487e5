"""The report says what was measured."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from benchmarks.bench_report import caption, markdown, write_report
from benchmarks.results import Demand, Result, Sample

TREE = Result(
    part="tree-1",
    title="decision tree",
    unit="/s",
    runs={"plain": [2000.0], "limit": [30000.0], "service": [14000.0]},
    demands=(Demand(factor=5, against="plain"), Demand(factor=0.5, against="limit")),
    samples={"service": [Sample(14000, 1, 2, 3, 4, "compiled")]},
)
WAIT = Result(
    part="half-rate",
    title="99th percentile",
    unit="ms",
    runs={"service": [4.256]},
    demands=(Demand(factor=5, at_most=True),),
)
LOG = Result(
    part="log",
    title="log of",
    unit="/s",
    runs={"0 rows": [10000.0], "1,000,000 rows": [9500.0], "10,000,000 rows": [8000.0]},
    demands=(
        Demand(factor=0.9, of="1,000,000 rows", against="0 rows"),
        Demand(factor=0.9, of="10,000,000 rows", against="0 rows"),
    ),
)
PLAN = {
    "rounds": 3,
    "seconds": 5,
    "connections": 16,
    "pinned": True,
    "others_share": 0.034,
}
MACHINE: dict[str, Any] = {
    "processor": "Abacus 9",
    "python": "3.11.7",
    "commit": "1a2b3c4+",
    "packages": {"scikit-learn": "1.9", "onnxruntime": "1.31"},
}


def cells(result: Result) -> list[list[str]]:
    """Return the cells of a result's rows in the table."""
    lines = markdown([result]).splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_line_compares_the_sides() -> None:
    """Values by side, both ratios, what was asked for, and that it was missed."""
    [line] = cells(TREE)
    assert line == [
        "decision tree (compiled)",
        "2,000/s",
        "-",
        "30,000/s",
        "14,000/s",
        "7.00",
        "0.47",
        "5 x plain, 0.5 x limit",
        "**no**",
    ]


def test_a_line_without_baselines_has_gaps() -> None:
    """What was not measured is a dash; an absolute demand needs no other side."""
    [line] = cells(WAIT)
    assert line == [
        "99th percentile",
        *"---",
        "4.26 ms",
        *"--",
        "at most 5 ms",
        "yes",
    ]


def test_growth_has_a_line_for_each_size() -> None:
    """The first size is what the others are compared with."""
    assert cells(LOG) == [
        ["log of 0 rows", "10,000/s", "1.00", "-", "-"],
        ["log of 1,000,000 rows", "9,500/s", "0.95", "0.9 x 0 rows", "yes"],
        ["log of 10,000,000 rows", "8,000/s", "0.80", "0.9 x 0 rows", "**no**"],
    ]


@pytest.mark.parametrize(
    ("pinned", "words"),
    [(True, "one process on a core of its own"), (False, "sharing one core with the load")],
)
def test_the_caption_says_what_was_run_on_what(words: str, *, pinned: bool) -> None:
    """Numbers without their machine are no numbers."""
    said = caption(PLAN | {"pinned": pinned}, MACHINE)
    assert words in said
    assert "Abacus 9" in said
    assert "other processes took 3% of the time" in said
    assert "1a2b3c4+" in said


def test_three_files_are_written(tmp_path: Path) -> None:
    """JSON with everything, Markdown to paste, a plot with a bar for each side measured."""
    write_report(tmp_path / "reports", [TREE, WAIT, LOG], PLAN, MACHINE)
    folder = tmp_path / "reports"
    written = msgspec.json.decode((folder / "bench.json").read_bytes())
    assert [result["part"] for result in written["results"]] == ["tree-1", "half-rate", "log"]
    assert written["machine"] == MACHINE
    assert markdown([TREE, WAIT, LOG]) in (folder / "bench.md").read_text()
    drawn = ET.parse(folder / "bench.svg").getroot()  # noqa: S314 - it is ours
    assert drawn.tag.endswith("svg")


def test_a_plot_of_growth_alone_is_empty_but_there(tmp_path: Path) -> None:
    """A run of some parts must not fail for want of bars."""
    write_report(tmp_path, [LOG], PLAN, MACHINE)
    assert (tmp_path / "bench.svg").exists()
