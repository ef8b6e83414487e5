"""Opening the log's file: what cannot be read says why."""

import contextlib
from pathlib import Path

import apsw
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
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute(f"DROP TABLE feedback_totals; PRAGMA user_version = {number};")
    with (
        pytest.raises(LogUnavailableError, match="feedback_totals") as raised,
        reading(path) as log,
    ):
        log.execute("SELECT * FROM feedback_totals")
    assert ("at its next start" in str(raised.value)) is is_older


def test_a_text_that_is_no_utf_8_is_damage(tmp_path: Path) -> None:
    """A reader says what every reader says."""
    path = tmp_path / "log.sqlite"
    create_missing(path)
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("INSERT INTO events VALUES (1, '', CAST(x'ff' AS TEXT), '', 1, '')")
    with pytest.raises(LogUnavailableError, match="cannot be read"), reading(path) as log:
        log.execute("SELECT kind FROM events").fetchall()
