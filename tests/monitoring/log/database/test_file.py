"""Opening the log's file: what cannot be read says why."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from monitoring.log.database.file import create_missing, reading
from monitoring.log.database.schema import FORMAT_NUMBER
from monitoring.log.errors import LogUnavailableError


@pytest.mark.parametrize(
    ("number", "is_older"), [(FORMAT_NUMBER - 1, True), (FORMAT_NUMBER, False)]
)
def test_a_table_that_an_older_log_lacks_comes_with_the_next_start(
    tmp_path: Path, number: int, *, is_older: bool
) -> None:
    """The sentence says so where the log is older, and only there."""
    path = tmp_path / "log.sqlite"
    create_missing(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"DROP TABLE feedback_totals; PRAGMA user_version = {number};")
    with (
        pytest.raises(LogUnavailableError, match="feedback_totals") as raised,
        reading(path) as log,
    ):
        log.execute("SELECT * FROM feedback_totals")
    assert ("at its next start" in str(raised.value)) is is_older
