"""The README is one screen and a half, and is run: its commands in their order."""

import json
import re
from pathlib import Path

import pytest

from tests.mixed_table import mixed_table
from tests.template.pages import ROOT, Checkout, blocks, commands, tracked
from tests.waiting import wait_until

README = ROOT / "README.md"
MOST_BYTES = 6_000


def block(beginning: str) -> str:
    """Return the one block of the README that begins like this."""
    [found] = [block.text for block in blocks(README) if block.text.startswith(beginning)]
    return found


@pytest.mark.slow  # It trains three models through notebooks, as the README's reader does.
def test_the_commands_do_what_the_readme_says(tmp_path: Path) -> None:
    """A reader who types the README's commands in their order gets what it shows."""
    checkout = Checkout(tmp_path)
    serve, test = commands(block("make serve  "))
    assert test == "make test"
    with checkout.serving(serve):
        wait_until(lambda: "stop" in checkout.said, 60)
        for part in ("address", "/docs", "curl", "/predict"):
            assert part in checkout.said
        answer = json.loads(block('[{"variety"'))
        assert json.loads(checkout.output(block("curl http"))) == answer
        # What these do to the store, the running service follows.
        for command in commands(block(".venv/bin/mlops train")):
            checkout.output(command)

    mixed_table(300, 1).to_csv(tmp_path / "own.csv", index=False)
    [own] = commands(block("make serve DATA="))
    with checkout.serving(own.replace("path/to/table.csv", "own.csv").replace("=column", "=Label")):
        wait_until(lambda: "Serving own " in checkout.said, 60)


def test_every_block_is_run() -> None:
    """A block that nobody runs would be the first to be wrong."""
    known = (
        "make serve  ",
        "curl http",
        '[{"variety"',
        "make serve DATA=",
        ".venv/bin/mlops train",
        "make image",  # by `make image-test`, as a part of its page
    )
    assert [block.text for block in blocks(README) if not block.text.startswith(known)] == []


def test_the_commands_of_a_container_are_those_of_its_page() -> None:
    """Which `make image-test` runs."""
    page = blocks(ROOT / "docs" / "how-to" / "run-in-a-container.md")
    assert set(commands(block("make image"))) <= set(commands(page[0].text))


def test_the_folders_exist_and_all_are_named() -> None:
    """The list of folders is complete, and names none that is not there."""
    rows = README.read_text("utf-8").split("## What is where")[1].split("##")[0]
    named = re.findall(r"`(\w+)/`", rows)
    folders = {path.split("/")[0] for path in tracked() if "/" in path}
    assert sorted(named) == sorted(name for name in folders if not name.startswith("."))


def test_the_readme_is_short() -> None:
    """All else is a page of docs/."""
    assert len(README.read_bytes()) <= MOST_BYTES
