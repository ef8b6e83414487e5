"""Every estimator of scikit-learn is tried; the page says what came of each."""

import pytest

from docs.make import estimators

# It fits, stores, loads and compiles two hundred estimators.
pytestmark = pytest.mark.slow


def test_every_estimator_publishes_and_the_page_says_so() -> None:
    """All that a table's rows can pass; none needs a setting."""
    found = list(estimators.rows())
    assert [(row.name, row.refusal) for row in found if row.is_served and row.refusal] == []
    assert len([row for row in found if row.is_served]) > 150
    fresh = estimators.page(found)
    assert estimators.PAGE.read_text("utf-8") == fresh, "python -m docs.make.estimators writes it"
