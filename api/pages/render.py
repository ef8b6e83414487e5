"""HTML pages, made from Jinja2 templates that share a layout, a style sheet and a policy.

Every value in a template is escaped. No template uses `|safe` and no function returns `Markup`, so
that HTML comes from template files alone; pictures are plain shapes, too.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from api.pages import wording

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
"""The shared templates: `base.html`, `table.html` and `style.css`."""

_FILTERS = (wording.counted, wording.duration, wording.moment, wording.number, wording.percent)
# HTML allows no control character but the tab and the ends of lines.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def render(folder: Path, template: str, **values: object) -> str:
    """Return the HTML of a template.

    Args:
        folder: where the template is; it finds the shared templates, too.
        template: its file name.
        values: what it shows, by name.

    Raises:
        jinja2.UndefinedError: the template uses a name that has no value.
    """
    page = _environment(folder).get_template(template).render(values)
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", page)


@cache
def _environment(folder: Path) -> "Environment":
    # A service that makes no page, and a command that makes none, start without it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - see above

    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {function.__name__: function for function in _FILTERS}
    environment.globals["policy"] = _policy(environment.get_template("style.css").render())
    return environment


def _policy(style: str) -> str:
    """Return the Content-Security-Policy of a page: this style, and pictures that it holds."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
