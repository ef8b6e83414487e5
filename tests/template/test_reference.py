"""The pages of docs/reference/ are what the code says today."""

from docs.make import reference
from docs.make.reference_pages.bundle_page import attribute_texts
from docs.make.reference_pages.markdown import table
from model_store.manifest import Score
from model_store.schema.signature import Column


def test_the_pages_are_what_the_code_says() -> None:
    """Whoever changes a setting, a metric, a route or a command runs `make docs`."""
    stored = {path.name: path.read_text("utf-8") for path in reference.FOLDER.glob("*.md")}
    stale = [name for name, text in reference.pages().items() if stored.get(name) != text]
    assert stale == [], "`make docs` writes these pages anew."
    assert stored.keys() == reference.pages().keys()


def test_a_text_belongs_to_the_attribute_above_it() -> None:
    """Attributes without a text have none."""
    texts = attribute_texts(Column)
    assert texts["nullable"].startswith("Whether")
    assert "name" not in texts
    assert attribute_texts(Score) == {}


def test_a_cell_cannot_break_its_table() -> None:
    """Line ends and bars are part of a cell."""
    assert table(["a"], [["x\ny | z"]]) == "| a |\n| --- |\n| x y \\| z |"
