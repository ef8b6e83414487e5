"""The pages hold together: links lead somewhere, what they name exists, none is forgotten."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ml_pipe.runner.run.parameters import declared
from ml_pipe.runner.run.pipeline import OURS
from ml_pipe.runner.source.notebook_file import read_notebook
from settings.settings import Settings
from tests.template.pages import ROOT, blocks, pages

DOCS = ROOT / "docs"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Variables that are no settings: of the Makefile, of Compose, of the benchmarks, and of others.
OTHER_VARIABLES = {
    "BENCH_PARTS",
    "BENCH_ROUNDS",
    "BENCH_SECONDS",
    "EPHEMERAL_SIZE",
    "IMAGE_OPTIONS",
    "LOAD_SECONDS",
    "LOAD_USERS",
    "SERVICE_IMAGE",
    "SERVICE_MEMORY",
    "SERVICE_TARGET",
    "SERVICE_UID",
    "SETTINGS_FILE",
}


class Link(NamedTuple):
    """A link of a page to something in the repository."""

    page: Path
    target: str
    """A path relative to the page, an anchor, or both."""

    @property
    def path(self) -> Path:
        """The file or folder that it leads to."""
        name = self.target.partition("#")[0]
        return (self.page.parent / name).resolve() if name else self.page

    @property
    def anchor(self) -> str:
        """The heading that it leads to; empty: none."""
        return self.target.partition("#")[2]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.target}"


def links() -> Iterator[Link]:
    """Yield the links of all pages that stay in the repository."""
    for page in pages():
        for target in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
            if "://" not in target and not target.startswith("mailto:"):
                yield Link(page, target)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page, as a code host makes them of its headings."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 1
        while (unique := anchor if number == 1 else f"{anchor}-{number - 1}") in found:
            number += 1
        found.add(unique)
    return found


def test_every_link_leads_somewhere() -> None:
    """To a file or a folder of the repository, and to a heading that its page has."""
    found = list(links())
    assert len(found) > 100
    assert [str(link) for link in found if not link.path.exists()] == []
    assert [
        str(link)
        for link in found
        if link.anchor and link.anchor not in anchors(link.path.read_text("utf-8"))
    ] == []


def test_anchors_are_made_as_code_hosts_make_them() -> None:
    """Small letters, hyphens for spaces, no punctuation; a number for a repeated one."""
    text = "# Where is ...\n## Is it `so`?\n## Is it so\n```sh\n# no heading\n```\n"
    assert anchors(text) == {"where-is-", "is-it-so", "is-it-so-1"}


def test_the_index_names_every_page() -> None:
    """A page that it does not name is found by nobody."""
    index = DOCS / "README.md"
    named = {link.path for link in links() if link.page == index}
    assert [p for p in pages() if DOCS in p.parents and p != index and p not in named] == []


def test_every_verb_that_a_page_names_exists() -> None:
    """`make` has a target of that name."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for page in pages():
        if page.name == "CHANGELOG.md":  # It names what there was, too.
            continue
        text = page.read_text("utf-8")
        named = set(re.findall(r"(?:^|`|; |&& )make ([a-z-]+)", text, re.MULTILINE))
        assert named <= targets, page.name


def test_every_variable_that_a_page_names_is_a_setting() -> None:
    """Or one that is known to be something else."""
    known = {name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    for page in sorted(DOCS.glob("**/*.md")):
        text = re.sub(r"\bSERVICE_TITLE\b", "", page.read_text("utf-8"))
        named = set(re.findall(r"(?<![\w./])([A-Z]+(?:_[A-Z]+)+)(?=[`=])", text))
        assert named <= known, page.name


def test_every_page_begins_with_its_title() -> None:
    """One heading of the first rank, at the top."""
    for page in sorted(DOCS.glob("**/*.md")):
        text = FENCED.sub("", page.read_text("utf-8"))
        assert text.startswith("# "), page.name
        assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1, page.name


def test_every_parameter_of_the_notebooks_is_described() -> None:
    """The table on changing the model names them all, and no other."""
    page = (DOCS / "how-to" / "change-the-model.md").read_text("utf-8")
    section = page.split("## Parameters")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    notebooks = (ROOT / "ml_pipe").glob("0[0-2]_*.ipynb")
    found = {name for path in notebooks for name in declared(read_notebook(path))}
    assert named == found - OURS


def places() -> list[tuple[str, str]]:
    """Return file and name of each line of the map in CONTRIBUTING."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = text.split("## Where is ...")[1].split("\n## ")[0]
    return re.findall(r"^\|[^|]+\| `([^`]+)` \| `([^`]+)` \|$", section, re.MULTILINE)


def defined(module: ast.Module) -> set[str]:
    """Return the names that a module defines: functions, classes with their methods, variables."""
    names: set[str] = set()
    for statement in module.body:
        match statement:
            case ast.ClassDef(name=name, body=body):
                names |= {name} | {f"{name}.{below}" for below in defined(ast.Module(body, []))}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def test_the_map_has_its_lines() -> None:
    """Each question of its table is one that the test below reads."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = text.split("## Where is ...")[1].split("\n## ")[0]
    assert len(places()) == len(re.findall(r"^\|", section, re.MULTILINE)) - 2 > 30


@pytest.mark.parametrize(("path", "name"), places(), ids=lambda text: text)
def test_every_place_of_the_map_exists(path: str, name: str) -> None:
    """The file is there, and defines the name."""
    assert name in defined(ast.parse((ROOT / path).read_text("utf-8")))


def test_every_shell_block_says_that_it_is_one() -> None:
    """A code host colours it, and a test can run it."""
    for page in pages():
        opened = re.findall(r"^ *```(\w*)$", page.read_text("utf-8"), re.MULTILINE)
        assert all(opened[::2]), page.name
        assert not any(opened[1::2]), page.name
        assert all(block.text.strip() for block in blocks(page))
