"""Pages: values are text wherever they stand, and a template that is wrong is an error."""

import base64
import hashlib
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from api.pages.render import TEMPLATES, render

ROOT = Path(__file__).parents[3]
HOSTILE = "<script>alert(1)</script>\"' onload='{{ 7*7 }}"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39; onload=&#39;{{ 7*7 }}"


def rendered(folder: Path, template: str, **values: object) -> str:
    """Return the HTML of a template that is written here."""
    (folder / "page.html").write_text(template)
    return render(folder, "page.html", **values)


def test_a_value_is_text(tmp_path: Path) -> None:
    """That holds in an element and in an attribute; a template in a value is not rendered."""
    page = rendered(tmp_path, '<p title="{{ name }}">{{ name }}</p>', name=HOSTILE)
    assert page == f'<p title="{ESCAPED}">{ESCAPED}</p>'


def test_a_value_is_text_in_a_table(tmp_path: Path) -> None:
    """That holds in the caption, the headings and the cells, the first of which heads its row."""
    template = """{% from "table.html" import row, table %}
    {%- call table(name, [name, "rows"], numbers=1) %}{{ row([name, 3]) }}{% endcall %}"""
    page = rendered(tmp_path, template, name=HOSTILE)
    assert page.count(ESCAPED) == 4
    assert f'aria-label="{ESCAPED}"' in page
    assert f'<tr><th scope="row">{ESCAPED}</th><td>3</td></tr>' in page


def test_control_characters_are_replaced(tmp_path: Path) -> None:
    """HTML allows only the tab and line ends."""
    page = rendered(tmp_path, '<p title="{{ a }}">{{ b }}</p>', a="\x00", b="a\x00\x1b[1m\tb\n\x85")
    assert page == '<p title="\ufffd">a\ufffd\ufffd[1m\tb\n\ufffd</p>'


@pytest.mark.parametrize("template", ["{{ nmae }}", "{{ name.first }}", "{% if nmae %}{% endif %}"])
def test_a_misspelt_name_is_an_error(tmp_path: Path, template: str) -> None:
    """It does not become an empty place in the page."""
    with pytest.raises(UndefinedError):
        rendered(tmp_path, template, name="text")


def test_a_page_has_the_layout_and_the_policy(tmp_path: Path) -> None:
    """The policy allows the one style sheet, by its hash, and pictures that the page holds."""
    template = """{% extends "base.html" %}
    {% block title %}{{ name }}{% endblock %}{% block main %}<h1>{{ name }}</h1>{% endblock %}"""
    page = rendered(tmp_path, template, name=HOSTILE)
    assert page.startswith("<!doctype html>\n<html")
    assert f"<title>{ESCAPED}</title>" in page
    assert f"<h1>{ESCAPED}</h1>" in page
    style = page.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert style == (TEMPLATES / "style.css").read_text().rstrip("\n")
    assert (
        f"content=\"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'\"".replace("'", "&#39;")
    ) in page


def test_nothing_is_called_safe() -> None:
    """All HTML stands in templates, and none of them turns escaping off."""
    folders = ("api", "mlops")
    templates = [path for folder in folders for path in (ROOT / folder).rglob("templates/*")]
    assert len(templates) > 3
    for path in templates:
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", path.read_text()), path
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        assert not re.search(r"import.*\bMarkup\b|markupsafe", path.read_text()), path


def test_templates_are_installed() -> None:
    """Each folder of templates is package data: an installation without the checkout has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    setuptools = project["tool"]["setuptools"]
    for path in (p for folder in ("api", "mlops") for p in (ROOT / folder).rglob("templates/*")):
        package = ".".join(path.parent.parent.relative_to(ROOT).parts)
        assert package in setuptools["packages"]
        name = f"templates/{path.name}"
        assert any(fnmatch(name, pattern) for pattern in setuptools["package-data"][package])


def test_jinja_is_imported_when_a_page_is_made() -> None:
    """The service and the command start without it."""
    code = "import sys, api.app, mlops.cli; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
