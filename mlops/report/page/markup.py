"""HTML, put together so that text is escaped unless it was put together here."""

import html
import re
from collections.abc import Iterable
from typing import TypeAlias


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child]"
"""Text, which is escaped; HTML, which is not; or several of them."""

_VOID = frozenset({"meta"})
# HTML allows no control character but the tab and the ends of lines.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def element(name: str, /, *children: Child, **attributes: str | float) -> Html:
    """Return an element.

    An attribute's name may end in `_`, as in `class_`; other `_` become `-`.
    """
    shown = "".join(_attribute(key, value) for key, value in attributes.items())
    end = "" if name in _VOID else f"</{name}>"
    return Html(f"<{name}{shown}>{joined(children)}{end}")


def joined(children: Child) -> Html:
    """Return children one after the other."""
    if isinstance(children, Html):
        return children
    if isinstance(children, str):
        return Html(_escaped(children))
    return Html("".join(joined(child) for child in children))


def table(
    headings: Iterable[Child],
    rows: Iterable[Iterable[Child]],
    *,
    caption: str,
    numbers: int = 0,
    style: str = "",
) -> Html:
    """Return a table that scrolls by itself where it is wide; each row is told by its first cell.

    Args:
        headings: of the columns.
        rows: their cells.
        caption: what it shows; for everyone.
        numbers: how many columns, the last ones, hold numbers and stand to the right.
        style: the name of a style of its own.
    """
    titles = list(headings)
    text_columns = len(titles) - numbers

    def side(place: int) -> str:
        return "number" if place >= text_columns else "text"

    head = [
        element("th", title, scope="col", class_=side(place)) for place, title in enumerate(titles)
    ]
    body = [
        element(
            "tr",
            [
                element("td", cell, class_=side(place))
                if place
                else element("th", cell, scope="row", class_=side(place))
                for place, cell in enumerate(row)
            ],
        )
        for row in rows
    ]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head)),
        element("tbody", body),
        class_=style or "plain",
    )
    # Focusable, so that whoever has no mouse can scroll it.
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def folded(summary: Child, *children: Child) -> Html:
    """Return what is shown once it is asked for; without a script."""
    return element("details", element("summary", summary), *children)


def _attribute(key: str, value: str | float) -> str:
    name = key.rstrip("_").replace("_", "-")
    text = value if isinstance(value, str) else f"{value:g}"
    return f' {name}="{_escaped(text)}"'


def _escaped(text: str) -> str:
    return html.escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))
