"""Pictures as shapes of SVG, which `figure.html` writes; the page's style colours them.

Each picture has a text alternative and stands beside a table of the same numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from api.pages.wording import percent

_WIDTH, _HEIGHT = 320.0, 120.0
_FLOOR, _CEILING = 100.0, 8.0
_TEXT_Y = 114.0
_SIDE = 14.0
"""The width of a bar beside the bins, for values outside of them."""
_MISSING = 60.0
"""The width of the bars of missing values, where there are any."""
_BAR = 18.0
_LABEL = 110.0
_NAME_CHARACTERS = 16
_WIDE, _TALL = 800.0, 150.0
_AXIS = 58.0
_STEPS = 4
"""So many parts a vertical axis has."""


class Shape(NamedTuple):
    """An element of SVG."""

    tag: str
    attributes: Mapping[str, str]
    text: str = ""


class Picture(NamedTuple):
    """Shapes and the size of the sheet that they are on."""

    width: float
    height: float
    shapes: Sequence[Shape]

    @property
    def style(self) -> str:
        """The name of its style."""
        return "wide" if self.width == _WIDE else "small"


class Key(NamedTuple):
    """An entry of a legend: the style of a shape and its meaning."""

    style: str
    text: str


class Figure(NamedTuple):
    """A picture, its text alternative and its legend."""

    picture: Picture
    alternative: str
    keys: Sequence[Key] = ()


class Bar(NamedTuple):
    """A category, or whatever else has a share in both samples."""

    name: str
    reference: float
    window: float
    new: bool = False
    """Whether training never saw it."""


class Line(NamedTuple):
    """Values over time; None where there are none."""

    values: Sequence[float | None]
    style: str = "window"


class Ends(NamedTuple):
    """What stands at the two ends of an axis."""

    first: str
    last: str


def histogram(
    reference: Sequence[float],
    window: Sequence[float],
    outside: tuple[float, float],
    ends: Ends,
    missing: tuple[float, float] = (0.0, 0.0),
) -> Picture:
    """Return both distributions: training as an area, the window as a line over it.

    Args:
        reference: the share of each bin, of equal width; all 0 where nothing is known.
        window: likewise.
        outside: the window's shares below and above the bins, bars of their own.
        ends: of the bins.
        missing: the shares of all rows without a value, in training and in the window; two bars
            that would be of full height where every row were.
    """
    top = max([*reference, *window, *outside, 1e-9])
    whole = _WIDTH - _MISSING if any(missing) else _WIDTH
    left, right = _SIDE + 2, whole - _SIDE - 2
    edges = np.linspace(left, right, len(reference) + 1).tolist()

    def height(share: float) -> float:
        return (_FLOOR - _CEILING) * share / top

    bars = [
        _shape("rect", class_="reference", x=x, y=_FLOOR - height(share), width=end - x + 0.3,
                height=height(share))
        for x, end, share in zip(edges, edges[1:], reference, strict=False)
        if share
    ]  # fmt: skip
    steps = [f"M{left:.1f} {_FLOOR:.1f}"]
    for x, end, share in zip(edges, edges[1:], window, strict=False):
        y = _FLOOR - height(share)
        steps.append(f"L{x:.1f} {y:.1f}L{end:.1f} {y:.1f}")
    steps.append(f"L{right:.1f} {_FLOOR:.1f}")
    beside = [
        _shape("rect", class_="new", x=x, y=_FLOOR - height(share), width=_SIDE,
                height=height(share))
        for x, share in ((0.0, outside[0]), (whole - _SIDE, outside[1]))
        if share
    ]  # fmt: skip
    shapes = [
        *bars,
        *beside,
        _shape("path", class_="window", d="".join(steps)),
        *(_missing(*missing) if any(missing) else []),
        _axis(left, right, _FLOOR),
        _text(left, _TEXT_Y, ends.first),
        _text(right, _TEXT_Y, ends.last, anchor="end"),
    ]
    return Picture(_WIDTH, _HEIGHT, shapes)


def _missing(reference: float, window: float) -> list[Shape]:
    """Return the bars of missing values, at the right."""
    left, middle = _WIDTH - _MISSING + 12, _WIDTH - _MISSING / 2 + 6
    shapes = [
        _shape("rect", class_=style, x=x, y=_FLOOR - (_FLOOR - _CEILING) * share,
                width=middle - left - 1, height=(_FLOOR - _CEILING) * share)
        for style, x, share in (("reference", left, reference), ("bar", middle, window))
    ]  # fmt: skip
    return [*shapes, _axis(left, _WIDTH, _FLOOR), _text(_WIDTH, _TEXT_Y, "missing", anchor="end")]


def categories(bars: Sequence[Bar]) -> Picture:
    """Return two bars for each category: training above, the window below."""
    top = max([share for bar in bars for share in (bar.reference, bar.window)] + [1e-9])
    room = _WIDTH - _LABEL - 44
    shapes = []
    for place, bar in enumerate(bars):
        y = place * (_BAR + 8) + 2
        name = bar.name
        if len(name) > _NAME_CHARACTERS:
            name = f"{name[: _NAME_CHARACTERS - 1]}…"
        width = room * bar.window / top
        shapes += [
            _text(_LABEL - 6, y + _BAR / 2 + 4, name, anchor="end"),
            _shape("rect", class_="reference", x=_LABEL, y=y, width=room * bar.reference / top,
                    height=_BAR / 2 - 1),
            _shape("rect", class_="new" if bar.new else "bar", x=_LABEL, y=y + _BAR / 2,
                    width=width, height=_BAR / 2 - 1),
            _text(_LABEL + max(width, room * bar.reference / top) + 4, y + _BAR / 2 + 4,
                  percent(bar.window)),
        ]  # fmt: skip
    return Picture(_WIDTH, max(len(bars), 1) * (_BAR + 8) + 2, shapes)


def columns_over_time(values: Sequence[float], top: str, ends: Ends) -> Picture:
    """Return a bar for each step of time; `top` names the highest."""
    highest = max([*values, 1e-9])
    width = (_WIDE - _AXIS) / len(values)
    shapes = [
        _shape("rect", class_="bar", x=_AXIS + place * width, width=max(width - 1, 0.8),
                y=_y(value / highest), height=_TALL - 24 - _y(value / highest))
        for place, value in enumerate(values)
        if value
    ]  # fmt: skip
    return Picture(_WIDE, _TALL, [*shapes, *_frame(["0", top], ends)])


def lines_over_time(
    lines: Sequence[Line], low: float, high: float, name: Callable[[float], str], ends: Ends
) -> Picture:
    """Return lines between two values, which `name` names; the lines' gaps are gaps."""
    shapes = []
    for line in lines:
        count = len(line.values)
        path, pen = [], "M"
        for place, value in enumerate(line.values):
            if value is None:
                pen = "M"
                continue
            x = _AXIS + (_WIDE - _AXIS) * (place + 0.5) / count
            y = _y((value - low) / ((high - low) or 1))
            path.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
            if line.style != "trained":
                shapes.append(_shape("circle", class_=line.style, cx=x, cy=y, r=2.5))
        shapes.append(_shape("path", class_=line.style, d="".join(path)))
    ticks = [name(low + (high - low) * step / _STEPS) for step in range(_STEPS + 1)]
    return Picture(_WIDE, _TALL, [*_frame(ticks, ends), *shapes])


def _y(share: float) -> float:
    return 8 + (_TALL - 32) * (1 - min(max(share, 0.0), 1.0))


def _frame(ticks: Sequence[str], ends: Ends) -> list[Shape]:
    """Return the axes; the ticks are at equal distances from the bottom to the top."""
    heights = [_y(place / (len(ticks) - 1)) for place in range(len(ticks))]
    return [
        *(_axis(_AXIS, _WIDE, y) for y in heights),
        *(
            _text(_AXIS - 6, y + 4, tick, anchor="end")
            for y, tick in zip(heights, ticks, strict=True)
        ),
        _text(_AXIS, _TALL - 8, ends.first),
        _text(_WIDE, _TALL - 8, ends.last, anchor="end"),
    ]


def _axis(left: float, right: float, y: float) -> Shape:
    return _shape("line", class_="axis", x1=left, y1=y, x2=right, y2=y)


def _text(x: float, y: float, text: str, anchor: str = "start") -> Shape:
    return _shape("text", text, x=round(x, 1), y=round(y, 1), text_anchor=anchor)


def _shape(tag: str, text: str = "", **attributes: str | float) -> Shape:
    """Return a shape; an attribute's name may end in `_`, and other `_` become `-`."""
    shown = {
        name.rstrip("_").replace("_", "-"): value if isinstance(value, str) else f"{value:g}"
        for name, value in attributes.items()
    }
    return Shape(tag, shown, text)
