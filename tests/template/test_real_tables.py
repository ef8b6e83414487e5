"""Real tables that packages ship: published, or refused for the right reason, and served."""

from pathlib import Path

import pytest

from benchmarks.real_tables import PAGE, TABLES, RealTable, measure

pytestmark = pytest.mark.slow  # each is a training


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_real_table_is_published_and_answers_its_own_rows(
    table: RealTable, tmp_path: Path
) -> None:
    """Or it is refused with the reason that is expected, and no other."""
    outcome = measure(table, tmp_path)
    assert table.refused in outcome.refused
    assert bool(outcome.refused) == bool(table.refused), outcome.refused
    if outcome.refused:
        return
    assert outcome.score > outcome.guess
    assert outcome.answered >= table.answered * outcome.asked, outcome.sentences
    assert all("send" in sentence.lower() for sentence in outcome.sentences), outcome.sentences


def test_the_documents_have_the_table_of_results() -> None:
    """Every table has its line."""
    text = PAGE.read_text(encoding="utf-8")
    assert [table.name for table in TABLES if f"| {table.name} " not in text] == []
