"""The log as JSON lines, whole or as it grows, without delaying the writer."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitoring.log.errors import LogFormatError, LogUnavailableError
from monitoring.log.reading.reader import LogReader
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]


class Polls(threading.Event):
    """Never set, but at the end of a reader's patience: a test fails, it does not hang."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self._left = 2000

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, and count the call."""
        self.begun.set()
        self._left -= 1
        return super().wait(timeout) or self._left < 0


def names(lines: Iterator[str], count: int) -> list[str]:
    """Return the request ids of the next lines."""
    return [json.loads(next(lines))["request_id"] for _ in range(count)]


def test_every_request_is_exported_as_one_line(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """A body of several lines becomes one line; numbers stay as they were written."""
    with new_log() as log:
        log.write([new_entry(inputs=b'[{\r\n "a\tb": 1.50,\n "c": "d e"}]'.replace(b"\t", b" "))])
        [line] = LogReader(path).export()
    assert "\n" not in line
    assert "\r" not in line
    assert "1.50" in line
    assert json.loads(line) == {
        "sequence": 1,
        "request_id": "first",
        "time": "2026-11-21T12:00:00.000000Z",
        "model": "iris",
        "version": "v1",
        "rows": 1,
        "seconds": 0.002,
        "inputs": [{"a b": 1.5, "c": "d e"}],
        "outputs": [{"variety": "Virginica"}],
    }


def test_an_export_may_be_long_and_may_go_on_where_another_ended(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """It reads page by page, so that the write-ahead log can shrink meanwhile."""
    with new_log() as log:
        log.write([new_entry(str(number)) for number in range(450)])
        reader = LogReader(path)
        assert names(reader.export(), 450) == [str(number) for number in range(450)]
        assert names(reader.export(after=448), 2) == ["448", "449"]


def test_nothing_kept_is_exported_as_null(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """So every line has the same keys."""
    with new_log(keep="none") as log:
        log.write([new_entry()])
        [line] = LogReader(path).export()
    assert (json.loads(line)["inputs"], json.loads(line)["outputs"]) == (None, None)


def test_following_gives_what_comes_and_goes_on_with_a_new_file(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """A reader that follows sees each request once, also across a replaced log."""
    stop = Polls()
    with new_log() as log:
        log.write([new_entry("before")])
        reader = LogReader(path)
        assert names(reader.follow(stop, after=0, interval_seconds=0.001), 1) == ["before"]
        lines = reader.follow(stop, after=1, interval_seconds=0.001)
        log.write([new_entry("a"), new_entry("b")])
        assert names(lines, 2) == ["a", "b"]
        path.unlink()
        log.write([new_entry("c")])
        assert names(lines, 1) == ["c"]
        stop.set()
        assert list(lines) == []


def test_following_begins_with_the_next_request(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """What is already in the log is `export`'s."""
    stop = Polls()
    found: list[str] = []

    def follow() -> None:
        found.extend(names(LogReader(path).follow(stop, interval_seconds=0.001), 1))

    with new_log() as log:
        log.write([new_entry("before")])
        thread = threading.Thread(target=follow)
        thread.start()
        assert stop.begun.wait(10)
        log.write([new_entry("after")])
        thread.join()
    assert found == ["after"]


def test_no_log_and_another_file_raise(path: Path) -> None:
    """Each has its own error; no file is made."""
    reader = LogReader(path)
    with pytest.raises(LogUnavailableError, match="no prediction log at"):
        reader.totals()
    assert not path.exists()
    path.write_bytes(b"something else" * 100)
    with pytest.raises(LogFormatError, match="no SQLite database"):
        list(reader.export())


def test_a_path_may_hold_any_character(
    tmp_path: Path, new_entry: NewEntry, new_log: NewLog, path: Path
) -> None:
    """A `?`, `#` or `%` in a folder's name is no option of SQLite's."""
    folder = tmp_path / "what? 100% #1 é"
    with new_log() as log:
        log.write([new_entry()])
    folder.mkdir()
    path.rename(folder / "log.sqlite")
    assert LogReader(folder / "log.sqlite").check().holds
