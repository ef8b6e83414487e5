"""The how-to pages are followed: their edits are made in a copy, and the service is asked."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from tests.template.pages import ROOT, Block, Checkout, blocks, difference
from tests.waiting import wait_until

HOW_TO = ROOT / "docs" / "how-to"
FLATS = ROOT / "docs" / "tutorial" / "flats.csv"
EDITING = ("add-an-endpoint", "add-a-metric", "add-middleware", "add-a-setting")


def page(name: str) -> list[Block]:
    """Return the blocks of a page."""
    return blocks(HOW_TO / f"{name}.md")


def follow(checkout: Checkout, name: str) -> None:
    """Run the commands of a page, but those that serve, and compare what it shows for them."""
    printed = ""
    for block in page(name):
        if block.kind == "sh" and "make serve" not in block.text:
            printed = checkout.output(block.text)
        elif block.kind in {"text", "json"}:
            assert difference(block, printed) == "", f"{name}.md, line {block.line}"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a copy of the checkout that has the model of the example."""
    copy = Checkout(tmp_path_factory.mktemp("how-to"))
    with copy.serving("make serve"):
        pass
    return copy


@pytest.mark.slow  # It trains a model, and starts the service three times.
def test_what_the_pages_add_works(checkout: Checkout) -> None:
    """A reader who makes the edits of the pages gets what they show; reload shows one at once."""
    [_, reload] = page("develop-with-reload")
    endpoint, *others = EDITING
    with checkout.serving(f"{reload.text.strip()} --port {checkout.port}"):
        for block in page(endpoint):
            if block.kind in {"diff", "python"}:
                checkout.edit(block)
        command = f"curl -sf http://127.0.0.1:8000/{endpoint_path()}"
        wait_until(lambda: checkout.run(command).returncode == 0, 60)

    for name in others:
        for block in page(name):
            if block.kind in {"diff", "python"}:
                checkout.edit(block)
    [serve] = [block.text for block in page("add-a-setting") if "make serve" in block.text]
    with checkout.serving(serve.strip()):
        assert "fast-path-off" in checkout.said
        for name in EDITING:
            follow(checkout, name)
        follow_scripts(checkout, "debug-one-prediction")


@pytest.mark.slow  # It trains a model.
def test_a_table_is_fetched_with_a_secret(checkout: Checkout) -> None:
    """The page's script reads the secret, writes the table, and the table can be trained on."""
    with closing(sqlite3.connect(checkout.folder / "local_data" / "flats.sqlite")) as database:
        pd.read_csv(FLATS).to_sql("flats", database, index=False)
    (checkout.folder / "examples" / "flats").mkdir()
    follow_scripts(checkout, "load-from-sql-or-an-api")
    assert "flats" in checkout.output(".venv/bin/mlops models list")


@pytest.mark.slow  # It exports the notebooks, and starts pytest.
def test_a_function_of_a_notebook_is_tested(checkout: Checkout) -> None:
    """The page's test passes."""
    follow_scripts(checkout, "test-a-notebook-function")


def follow_scripts(checkout: Checkout, name: str) -> None:
    """Write the files of a page, then follow it."""
    for block in page(name):
        if block.kind == "python":
            checkout.edit(block)
    follow(checkout, name)


def endpoint_path() -> str:
    """Return the path that the page on endpoints adds."""
    [command] = [block.text for block in page("add-an-endpoint") if block.kind == "sh"]
    return command.strip().rpartition("/")[2]
