"""Models of other tools are imported; the page says what came of each."""

import pytest

from docs.make import imports

# It saves, imports, asks and compiles a dozen models.
pytestmark = pytest.mark.slow


def test_every_import_answers_the_same_and_the_page_says_so() -> None:
    """Whatever made it, and whatever it is stored as."""
    found = list(imports.rows())
    assert [row[:2] for row in found if row[3] != "the same"] == []
    fresh = imports.page(found)
    assert imports.PAGE.read_text("utf-8") == fresh, "python -m docs.make.imports writes it"
