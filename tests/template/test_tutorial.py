"""The tutorial is run: its commands in their order, its edits, and what it shows for them."""

import ast
import itertools
import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.template.pages import ROOT, Block, Checkout, blocks, difference
from tests.waiting import wait_until

PAGES = sorted((ROOT / "docs" / "tutorial").glob("[0-9]*.md"))


def replace_function(checkout: Checkout, block: Block) -> None:
    """Replace the function of the notebooks that has the same name, as a reader would."""
    [wanted] = ast.parse(block.text).body
    assert isinstance(wanted, ast.FunctionDef)
    replaced = 0
    for path in (checkout.folder / "ml_pipe").glob("*.ipynb"):
        notebook = json.loads(path.read_text("utf-8"))
        for cell in notebook["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] != "code" or f"def {wanted.name}(" not in source:
                continue
            for found in ast.parse(source).body:
                if isinstance(found, ast.FunctionDef) and found.name == wanted.name:
                    lines = source.splitlines(keepends=True)
                    lines[found.lineno - 1 : found.end_lineno] = block.text.splitlines(
                        keepends=True
                    )
                    cell["source"] = lines
                    replaced += 1
        path.write_text(json.dumps(notebook), "utf-8")
    assert replaced == 1, wanted.name


@pytest.mark.slow  # It trains three models through notebooks, as the tutorial's reader does.
def test_the_tutorial_does_what_it_shows(tmp_path: Path) -> None:
    """A reader who does what the pages say, in their order, sees what they show."""
    checkout = Checkout(tmp_path)
    with ExitStack() as service:
        for page in PAGES:
            printed = ""
            for block in blocks(page):
                where = f"{page.name}, line {block.line}"
                if block.kind == "sh" and block.text.startswith("make serve"):
                    service.close()
                    service.enter_context(checkout.serving(block.text.strip()))
                    # The last line of what it says when it is ready.
                    wait_until(lambda: "stop  " in checkout.said, 60)
                    printed = checkout.said
                elif block.kind == "sh":
                    printed = checkout.output(block.text)
                elif block.kind == "python":
                    replace_function(checkout, block)
                else:
                    assert difference(block, checkout.as_shown(printed)) == "", where


def test_the_pages_are_five_and_lead_on() -> None:
    """Each but the last names the next one."""
    assert [page.name[0] for page in PAGES] == list("12345")
    for page, following in itertools.pairwise(PAGES):
        assert page.read_text("utf-8").rstrip().endswith(f"({following.name})")
