"""The how-to pages are followed: their edits are made in a copy, and the service is asked."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from tests.template.pages import ROOT, Block, Checkout, blocks, difference
from tests.waiting import wait_until

HOW_TO = ROOT / "docs" / "how-to"
FLATS = ROOT / "docs" / "tutorial" / "flats.csv"
EDITING = ("add-an-endpoint", "add-a-metric", "add-middleware", "add-a-setting")


ASKING = ("send-true-values", "query-the-log", "write-a-report", "debug-one-prediction")
FOLLOWED = {*EDITING, *ASKING, "load-from-sql-or-an-api", "test-a-notebook-function"}
# Other tests run these, or what they start: those of pins, images, rules, offline installation,
# workers, settings, business metrics, models from elsewhere.
NOT_RUN = (
    "make add",
    "make boosters",
    "make evidently",
    "make image",
    "make load",
    "make offline",
    "make serve",
    "make upgrade",
    "tar -xf ml-service-",
    ".venv/bin/mlops keys",
    ".venv/bin/mlops models export",
    ".venv/bin/mlops models import",
    ".venv/bin/mlops train examples/no_target",
    ".venv/bin/mlops train ml_pipe",
    ".venv/bin/uvicorn",
    "BUSINESS_METRICS=",
    "LOCAL_DATA=",
    "LOG_PERSONAL_FIELDS=",
    "MODE=api docker-compose",
    "PREDICT_PASSWORD=",
    "SERVICE_TITLE=",
    "curl http://127.0.0.1:8000/predict -H 'Authorization: Bearer mlk_",
    "SERVICE_WORKERS=4",
    "promtool test rules",
)


def page(name: str) -> list[Block]:
    """Return the blocks of a page."""
    return blocks(HOW_TO / f"{name}.md")


def follow(checkout: Checkout, name: str) -> None:
    """Run the commands of a page, but those that serve, and compare what it shows for them."""
    printed = ""
    for block in page(name):
        if block.kind == "sh" and not block.text.startswith(NOT_RUN):
            printed = checkout.output(block.text)
        elif block.kind in {"text", "json"}:
            assert difference(block, printed) == "", f"{name}.md, line {block.line}"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a copy of the checkout."""
    return Checkout(tmp_path)


@pytest.mark.slow  # It trains a model, and starts the service three times.
def test_what_the_pages_add_works(checkout: Checkout) -> None:
    """A reader who makes the edits of the pages gets what they show; reload shows one at once."""
    [first, reload] = page("develop-with-reload")
    with checkout.serving(first.text.strip()):
        pass
    with checkout.serving(f"{reload.text.strip()} --port {checkout.port}"):
        edit(checkout, EDITING[0])
        command = f"curl -sf http://127.0.0.1:8000/{endpoint_path()}"
        wait_until(lambda: checkout.run(command).returncode == 0, 60)
    for name in EDITING[1:]:
        edit(checkout, name)

    [serve] = [block.text for block in page("add-a-setting") if "make serve" in block.text]
    with checkout.serving(serve.strip()):
        wait_until(lambda: "fast-path-off" in checkout.said, 60)
        for name in EDITING:
            follow(checkout, name)
        for name in ASKING:
            follow_scripts(checkout, name)
        for path in sorted((ROOT / "docs").glob("[er]*/*.md")):
            assert all(checkout.output(b.text) for b in blocks(path) if b.kind == "sh"), path.name


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


def test_every_block_is_run_or_known() -> None:
    """A command that nobody runs would be the first to be wrong."""
    unknown = [
        f"{path.name}, line {block.line}"
        for path in sorted(HOW_TO.glob("*.md"))
        if path.stem not in FOLLOWED
        for block in blocks(path)
        if block.kind == "sh" and not block.text.startswith(NOT_RUN)
    ]
    assert unknown == []


def edit(checkout: Checkout, name: str) -> None:
    """Write the files of a page, and make its changes to others."""
    for block in page(name):
        if block.kind in {"diff", "python"}:
            checkout.edit(block)


def follow_scripts(checkout: Checkout, name: str) -> None:
    """Write the files of a page, then follow it."""
    edit(checkout, name)
    follow(checkout, name)


def endpoint_path() -> str:
    """Return the path that the page on endpoints adds."""
    [command] = [block.text for block in page("add-an-endpoint") if block.kind == "sh"]
    return command.strip().rpartition("/")[2]
