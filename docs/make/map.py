"""Draw the packages, their rooms and the arrows of their imports: `make map` writes docs/map.svg.

Everything in the picture is read from the code: a package is a box, a folder in it is a room with
its number of modules, an arrow says that one imports the other. An arrow that follows from two
others is left out. Packages and rooms stand above what they import.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "map.svg"
PACKAGES = ("mlops", "workers", "api", "ml_pipe", "settings", "model_store", "monitoring")

Imports = Mapping[str, frozenset[str]]
"""What each one imports, by name."""

WIDTH = 1_000
MARGIN = 20
GAP = 34
"""Between floors, so that arrows have room."""
ROOM_HEIGHT = 40
HEAD_HEIGHT = 52
MAX_NAMES = 8
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933 }
.name { font-weight: 600 } .small { font-size: 11px; fill: #52606d }
.package { fill: #f5f7fa; stroke: #9aa5b1 } .room { fill: #ffffff; stroke: #627d98 }
path { fill: none; stroke: #627d98; stroke-width: 1.2 } .far { stroke: #1f2933; stroke-width: 1.8 }
@media (prefers-color-scheme: dark) {
  text { fill: #f5f7fa } .small { fill: #cbd2d9 } .package { fill: #1f2933; stroke: #7b8794 }
  .room { fill: #323f4b; stroke: #9fb3c8 } path { stroke: #9fb3c8 } .far { stroke: #f5f7fa }
}
"""
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M1 1 L7 4 L1 7"/></marker></defs>'
)


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture, in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The horizontal middle."""
        return self.left + self.width / 2

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height


class House:
    """The packages of the project, as their imports show them."""

    def __init__(self) -> None:
        self._graph = grimp.build_graph(*PACKAGES)

    def packages(self) -> Imports:
        """Return which packages each package imports."""
        return self._imports(PACKAGES)

    def rooms(self, package: str) -> Imports:
        """Return which rooms of the same package each room imports."""
        children = sorted(self._graph.find_children(package))
        return self._imports([c for c in children if self._graph.find_children(c)])

    def files(self, package: str) -> list[str]:
        """Return the modules of a package that stand in no room."""
        children = sorted(self._graph.find_children(package))
        names = [c.rpartition(".")[2] for c in children if not self._graph.find_children(c)]
        return [name for name in names if not name.startswith("_")]

    def size(self, room: str) -> int:
        """Return how many modules a room has, those of rooms inside of it included."""
        found = self._graph.find_descendants(room)
        return sum(not self._graph.find_children(module) for module in found)

    def _imports(self, names: "list[str] | tuple[str, ...]") -> Imports:
        return {
            name: frozenset(
                other
                for other in names
                if other != name
                and self._graph.direct_import_exists(
                    importer=name, imported=other, as_packages=True
                )
            )
            for name in names
        }


def floors(imports: Imports) -> list[list[str]]:
    """Return the names floor by floor, each above all that it imports.

    Raises:
        ValueError: some import each other in a circle.
    """
    left = dict(imports)
    found: list[list[str]] = []
    while left:
        imported = frozenset().union(*left.values())
        floor = [name for name in left if name not in imported]
        if not floor:
            raise ValueError(f"These import each other in a circle: {', '.join(left)}.")
        found.append(floor)
        for name in floor:
            del left[name]
    return found


def arrows(imports: Imports) -> list[tuple[str, str]]:
    """Return the imports as pairs, without those that follow from others."""
    return sorted(
        (name, other)
        for name, others in imports.items()
        for other in others
        if not any(other in _reached(imports, between) for between in others - {other})
    )


def _reached(imports: Imports, start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for other in imports[ahead.pop()] - seen:
            seen.add(other)
            ahead.append(other)
    return seen


def draw(house: House) -> str:
    """Return the picture as SVG text."""
    parts: list[str] = []
    boxes: dict[str, Box] = {}
    top = float(MARGIN)
    for floor in floors(house.packages()):
        share = (WIDTH - MARGIN * (len(floor) + 1)) / len(floor)
        for place, package in enumerate(floor):
            box = Box(MARGIN + place * (share + MARGIN), top, share, _height(house, package))
            boxes[package] = box
            parts += _package(house, package, box)
        top = max(boxes[package].bottom for package in floor) + GAP
    # Behind the boxes: an arrow to a lower floor passes under those between.
    far = [_arrow(boxes[a], boxes[b], "far") for a, b in arrows(house.packages())]
    height = top - GAP + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img">',
            "<title>The packages, their rooms, and what imports what</title>",
            f"<style>{STYLE}</style>",
            TIP,
            *far,
            *parts,
            "</svg>\n",
        ]
    )


def _height(house: House, package: str) -> float:
    count = len(floors(house.rooms(package)))
    return HEAD_HEIGHT + count * (ROOM_HEIGHT + GAP) - (GAP - MARGIN if count else 0)


def _package(house: House, package: str, box: Box) -> list[str]:
    parts = [
        _rectangle(box, "package"),
        _text(package, box.left + 12, box.top + 22, "name"),
        _text(_listed(house.files(package)), box.left + 12, box.top + 40, "small"),
    ]
    rooms = house.rooms(package)
    boxes: dict[str, Box] = {}
    inside: list[str] = []
    top = box.top + HEAD_HEIGHT
    for floor in floors(rooms):
        share = (box.width - 12 * (len(floor) + 1)) / len(floor)
        width = min(share, 220.0)
        free = (box.width - width * len(floor)) / (len(floor) + 1)
        for place, room in enumerate(floor):
            left = box.left + free + place * (width + free)
            boxes[room] = Box(left, top, width, ROOM_HEIGHT)
            name, size = room.partition(".")[2], house.size(room)
            inside += [
                _rectangle(boxes[room], "room"),
                _text(name, left + 10, top + 17, "name"),
                _text(f"{size} module{'s' * (size != 1)}", left + 10, top + 32, "small"),
            ]
        top += ROOM_HEIGHT + GAP
    return parts + [_arrow(boxes[a], boxes[b], "near") for a, b in arrows(rooms)] + inside


def _rectangle(box: Box, kind: str) -> str:
    return (
        f'<rect class="{kind}" rx="5" x="{box.left:g}" y="{box.top:g}" '
        f'width="{box.width:g}" height="{box.height:g}"/>'
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= MAX_NAMES else f"{len(names)} modules"


def _text(text: str, left: float, top: float, kind: str) -> str:
    return f'<text class="{kind}" x="{left:g}" y="{top:g}">{escape(text)}</text>'


def _arrow(start: Box, end: Box, kind: str) -> str:
    # Aimed at the place of the upper box that is nearest, so that arrows seldom cross boxes.
    aim = min(max(start.middle, end.left + 16), end.left + end.width - 16)
    begin = min(max(end.middle, start.left + 16), start.left + start.width - 16)
    x1, y1, x2, y2 = begin, start.bottom, aim, end.top - 2
    bend = (y2 - y1) / 2
    return (
        f'<path class="{kind}" marker-end="url(#tip)" '
        f'd="M{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"/>'
    )


def main() -> None:
    """Write the picture; with `--check`, only say whether it is what the code shows."""
    picture = draw(House())
    if "--check" not in sys.argv[1:]:
        PICTURE.write_text(picture, encoding="utf-8")
    elif not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != picture:
        sys.exit("docs/map.svg is not what the imports show: run `make map` and commit it.")


if __name__ == "__main__":
    main()
