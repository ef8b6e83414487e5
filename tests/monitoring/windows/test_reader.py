"""The newest rows of a version, read from the log."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.windows.reader import Cursor, Reading, WindowReader

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]

START = Cursor()


def numbers(reading: Reading) -> list[int]:
    """Return the sequence numbers of what was read."""
    return [request.sequence for request in reading.requests]


def test_the_newest_requests_are_read_the_oldest_of_them_first(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """It reads enough requests for the wanted rows, with their texts."""
    with new_log() as log:
        log.write([new_entry(rows=4), new_entry(rows=3), new_entry(rows=2)])
        reader = WindowReader(path, "iris", "v1")
        assert numbers(reader.read(START, 2)) == [3]
        assert numbers(reader.read(START, 3)) == [2, 3]
        found = reader.read(START, 100)
    assert numbers(found) == [1, 2, 3]
    assert found.requests[0].inputs == '[{"petal_length":5.2}]'
    assert found.requests[0].outputs == '[{"variety":"Virginica"}]'


def test_a_reading_goes_on_where_the_last_one_ended(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Each request is read once, even if the last one belongs to another version."""
    with new_log() as log:
        reader = WindowReader(path, "iris", "v1")
        log.write([new_entry(), new_entry(version="v2")])
        first = reader.read(START, 100)
        assert (numbers(first), first.cursor.sequence, first.anew) == ([1], 2, True)
        again = reader.read(first.cursor, 100)
        assert (numbers(again), again.cursor, again.anew) == ([], first.cursor, False)
        log.write([new_entry(model="other"), new_entry()])
        assert numbers(reader.read(again.cursor, 100)) == [4]


def test_many_requests_are_read_page_by_page(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """That holds also if the requests of the version are far apart."""
    with new_log() as log:
        log.write([new_entry(version=f"v{number % 1250}") for number in range(2600)])
        assert numbers(WindowReader(path, "iris", "v1").read(START, 100)) == [2, 1252, 2502]


def test_rows_far_back_are_not_searched(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """A rarely asked version must not make the reader read the whole log."""
    with new_log() as log:
        log.write([new_entry(), *[new_entry(version="v2")] * 9])
        assert numbers(WindowReader(path, "iris", "v1", look_back=9).read(START, 1)) == []
        assert numbers(WindowReader(path, "iris", "v1", look_back=10).read(START, 1)) == [1]


def test_texts_that_were_not_kept_are_passed_over(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """They take no row's place."""
    with new_log() as log:
        log.write([new_entry()])
    with new_log(keep="none") as log:
        log.write([new_entry()])
        assert numbers(WindowReader(path, "iris", "v1").read(START, 1)) == [1]


def test_another_log_is_read_from_its_beginning(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """It is known by its id, as its numbers begin anew."""
    reader = WindowReader(path, "iris", "v1")
    with new_log() as log:
        log.write([new_entry()] * 3)
        before = reader.read(START, 100).cursor
        path.unlink()
        log.write([new_entry()] * 5)
        found = reader.read(before, 100)
    assert (numbers(found), found.anew) == ([1, 2, 3, 4, 5], True)


def test_a_log_that_took_back_its_end_is_read_anew(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Its numbers will be given again."""
    with new_log() as log:
        log.write([new_entry()] * 2)
        reader = WindowReader(path, "iris", "v1")
        beyond = reader.read(START, 1).cursor._replace(sequence=3)
        found = reader.read(beyond, 100)
    assert (numbers(found), found.cursor.sequence, found.anew) == ([1, 2], 2, True)


def test_rows_that_retention_left_are_read_anew(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Once, and only where something that was found is gone."""
    with new_log() as log:
        log.write([new_entry(version="v2"), *[new_entry()] * 3])
        reader = WindowReader(path, "iris", "v1")
        cursor = START
        for removed, found in ((0, [2, 3, 4]), (1, []), (2, [3, 4]), (2, []), (4, [])):
            with contextlib.closing(apsw.Connection(str(path))) as connection:
                connection.execute("DELETE FROM requests WHERE sequence <= ?", (removed,))
            _, requests, anew = reading = reader.read(cursor, 100)
            assert numbers(reading) == found
            assert anew == (bool(requests) or removed == 4)
            cursor = reading.cursor
        assert not reader.read(cursor, 100).anew


def test_a_log_without_requests_has_none(new_log: NewLog, path: Path) -> None:
    """The next one will be number one."""
    with new_log() as log:
        log.event("start", {})
        found = WindowReader(path, "iris", "v1").read(START, 100)
    assert (found.requests, found.cursor.sequence) == ([], 0)


def test_no_log_raises(path: Path) -> None:
    """The error is the one of every reader."""
    with pytest.raises(LogUnavailableError, match="no prediction log at"):
        WindowReader(path, "iris", "v1").read(START, 100)


def test_a_damaged_log_raises(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """The error says that it cannot be read now; it is no error of SQLite."""
    with new_log() as log:
        log.write([new_entry()])
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("DROP TABLE totals")
    with pytest.raises(LogUnavailableError, match="cannot be read: no such table"):
        WindowReader(path, "iris", "v1").read(START, 100)
