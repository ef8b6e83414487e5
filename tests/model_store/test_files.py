"""Only plain files up to a limit are read, and no file is ever half written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from model_store import files
from model_store.errors import RefusedError


def make_link(path: Path) -> None:
    """Make a link to a good file."""
    path.with_name("other").write_bytes(b"{}")
    path.symlink_to(path.with_name("other"))


def make_large(path: Path) -> None:
    """Make a file of 1 GB that takes no space."""
    with path.open("wb") as file:
        file.truncate(2**30)


def make_unreadable(path: Path) -> None:
    """Make a link in a circle, which not even root can open."""
    path.symlink_to(path)


ODD: dict[str, Callable[[Path], None]] = {
    "a link": make_link,
    "a circle": make_unreadable,
    "a pipe that nobody writes to": os.mkfifo,
    "a folder": Path.mkdir,
    "1 GB": make_large,
}


@pytest.mark.parametrize("kind", ODD)
def test_anything_but_a_plain_file_is_refused_without_waiting(kind: str, tmp_path: Path) -> None:
    """A pipe without a writer would block for ever."""
    path = tmp_path / "file"
    ODD[kind](path)
    with pytest.raises(RefusedError, match=r"^file .*: restore it\.$"):
        files.read(path)


def test_a_device_is_refused() -> None:
    """It has no end."""
    with pytest.raises(RefusedError, match="no plain file"):
        files.read(Path("/dev/zero"))


@pytest.mark.parametrize("kind", ["a link", "a circle", "a pipe that nobody writes to", "a folder"])
def test_nothing_is_written_through_what_is_no_plain_file(kind: str, tmp_path: Path) -> None:
    """No lock is taken there either."""
    path = tmp_path / "file"
    ODD[kind](path)
    with pytest.raises(RefusedError):
        files.write(path, b"new")
    with pytest.raises(RefusedError), files.locked(path):
        pass


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    """One byte more is refused, with both numbers."""
    (tmp_path / "file").write_bytes(b"1234")
    assert files.read(tmp_path / "file", 4) == b"1234"
    with pytest.raises(RefusedError, match="4 bytes where at most 3"):
        files.read(tmp_path / "file", 3)


def test_an_absent_file_is_distinguished_from_a_damaged_one(tmp_path: Path) -> None:
    """A file may be absent, but never damaged."""
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "file")


def test_a_reader_keeps_the_whole_old_file_while_it_is_replaced(tmp_path: Path) -> None:
    """The next reader gets the whole new one."""
    path = tmp_path / "file"
    path.write_bytes(b"old and long")
    with path.open("rb") as reader:
        files.replace(path, b"new")
        assert reader.read() == b"old and long"
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_leftovers_of_a_killed_writer_are_overwritten(tmp_path: Path) -> None:
    """The next writer writes over it."""
    (tmp_path / ".file.new").write_bytes(b"half of something lon")
    files.replace(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_link_in_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """What it led to is untouched."""
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "file").symlink_to(tmp_path / "precious")
    files.replace(tmp_path / "file", b"new")
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_a_second_name_of_another_file_is_not_written_through(tmp_path: Path) -> None:
    """Neither at the name that is written to, nor at any that stood for it while it was written."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    for name in ("file", ".file.new", ".file.new-0123456789abcdef"):
        os.link(precious, tmp_path / name)
    with pytest.raises(RefusedError, match="File exists"):
        files.write(tmp_path / "file", b"new")
    files.replace(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert precious.read_bytes() == b"precious"
    assert {entry.name for entry in tmp_path.iterdir()} == {"file", "precious"}


def test_a_lock_that_nobody_lets_go_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes to the store could hold it."""
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.02)
    held = pytest.raises(RefusedError, match="held by another process")
    with files.locked(tmp_path / "lock"), held, files.locked(tmp_path / "lock"):
        pass
    with files.locked(tmp_path / "lock"):
        pass
