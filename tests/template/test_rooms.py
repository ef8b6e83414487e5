"""The house: rooms of a size that one can keep in mind, and a picture that shows what is there."""

import runpy
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "ml_pipe", "mlops", "model_store", "monitoring", "settings", "workers")
MAX_MODULES = 15
NAMELESS = {"utils", "util", "misc", "common", "helpers", "shared", "lib"}
MAP = runpy.run_path(str(ROOT / "docs" / "make" / "map.py"))


def modules() -> list[Path]:
    """Return the modules of the product, those that mark a package left out."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return [path.relative_to(ROOT) for path in found if not path.stem.startswith("_")]


def test_no_folder_has_more_modules_than_one_keeps_in_mind() -> None:
    """One with more has rooms in it that were not found yet."""
    counts = Counter(path.parent.as_posix() for path in modules())
    assert {folder: n for folder, n in counts.items() if n > MAX_MODULES} == {}


def test_every_place_has_a_name() -> None:
    """A folder or module called `utils` holds what nobody named."""
    assert [path for path in modules() if NAMELESS & {*path.parent.parts, path.stem}] == []


def test_every_room_says_what_it_is() -> None:
    """Its `__init__.py` holds one docstring, and no code to be run by an import."""
    folders = {path.parent for path in modules()} - {Path("ml_pipe")}
    texts = {folder: (ROOT / folder / "__init__.py").read_text("utf-8") for folder in folders}
    odd = [f for f, text in texts.items() if not text.startswith('"""') or text.count("\n") > 1]
    assert odd == []


def test_every_package_is_installed() -> None:
    """A folder of code that pyproject.toml does not name is missing after an installation."""
    listed = (ROOT / "pyproject.toml").read_text("utf-8")
    folders = {path.parent.as_posix().replace("/", ".") for path in modules()}
    assert sorted(f for f in folders if f'"{f}"' not in listed) == []


def test_the_picture_is_what_the_imports_show() -> None:
    """`make map` draws it anew."""
    picture = MAP["draw"](MAP["House"]())
    assert picture == (ROOT / "docs" / "map.svg").read_text("utf-8")


def test_a_name_stands_above_all_that_it_imports() -> None:
    """The picture's floors are those of the imports, however long the way is."""
    imports = {
        "a": frozenset("bc"),
        "b": frozenset("c"),
        "c": frozenset(""),
        "d": frozenset("c"),
    }
    assert MAP["floors"](imports) == [["a", "d"], ["b"], ["c"]]


def test_a_circle_is_no_house() -> None:
    """The script that draws it says which names are in the circle."""
    with pytest.raises(ValueError, match="a, b"):
        MAP["floors"]({"a": frozenset("b"), "b": frozenset("a")})


def test_an_arrow_that_follows_from_two_others_is_left_out() -> None:
    """The picture would be a knot otherwise."""
    imports = {"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset("")}
    assert MAP["arrows"](imports) == [("a", "b"), ("b", "c")]
