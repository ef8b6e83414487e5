"""Documents, settings, metrics and help are written in words that their readers search for.

The list is `tests/template/words_to_avoid.py`. A line that must have such a word in another sense
needs a narrower pattern.
"""

from collections.abc import Iterator

import pytest

from docs.make import reference
from tests.template.pages import ROOT, pages
from tests.template.words_to_avoid import WORDS

# Its lines are of their time; forms of the host are read elsewhere.
LEFT_OUT = ("CHANGELOG.md", "CODE_OF_CONDUCT.md", ".github/")


def found(text: str, where: str) -> Iterator[str]:
    """Yield a line for each word to avoid: where it stands, and what to write instead."""
    for number, line in enumerate(text.splitlines(), 1):
        for word in WORDS:
            for match in word.pattern.finditer(line):
                yield f'{where}:{number}: "{match.group()}": write {word.instead}'


def test_documents_are_in_plain_words() -> None:
    """README, CONTRIBUTING, docs/ and the READMEs of folders, but what is made from the code."""
    lines: list[str] = []
    for page in pages():
        name = page.relative_to(ROOT).as_posix()
        if not name.startswith(LEFT_OUT) and page.parent != reference.FOLDER:
            lines += found(page.read_text("utf-8"), name)
    assert lines == []


@pytest.mark.parametrize("name", sorted(path.name for path in reference.FOLDER.glob("*.md")))
def test_the_texts_of_the_code_are_in_plain_words(name: str) -> None:
    """Settings, metrics, `mlops --help`, routes, problems, bundle: as their pages show them."""
    lines = list(found(reference.pages()[name], f"docs/reference/{name}"))
    assert lines == [], "The text stands in the code; `make docs` writes the page anew."


def test_settings_ini_is_in_plain_words() -> None:
    """Its comments are read before any page."""
    assert list(found((ROOT / "settings.ini").read_text("utf-8"), "settings.ini")) == []


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("Time since the last label was told.", "logs"),
        ("Kept from the seed system.", "no reader"),
        ("It belongs into `settings.ini`.", "is set in"),
        ("The most requests of one model that wait.", "maximum number"),
    ],
)
def test_the_check_can_fail(text: str, instead: str) -> None:
    """It names file, line, word and replacement."""
    [line] = found(f"\n{text}", "page.md")
    assert line.startswith("page.md:2: ")
    assert instead in line


@pytest.mark.parametrize("text", ["Prometheus watches the service.", "It is the turning point."])
def test_ordinary_words_are_free(text: str) -> None:
    """Only the house's own words are refused."""
    assert list(found(text, "page.md")) == []
