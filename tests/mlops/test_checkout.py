"""Where a run's code comes from, asked of git."""

import subprocess
from pathlib import Path

import pytest

from mlops.checkout import Checkout, read_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with one commit on the branch `main`."""
    (tmp_path / "file").write_text("one")
    name = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["add", "file"],
        [*name, "-c", "commit.gpgsign=false", "commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    return tmp_path


def test_branch_and_commit_are_told(checkout: Path) -> None:
    """A clean checkout is told by its branch and its whole commit id."""
    found = read_checkout(checkout)
    assert found.branch == "main"
    assert len(found.head) == 40
    assert not found.dirty


def test_a_changed_file_makes_it_dirty(checkout: Path) -> None:
    """An auditor learns that the commit alone does not make the model again."""
    (checkout / "file").write_text("two")
    assert read_checkout(checkout).dirty


def test_a_copy_without_git_has_nothing_to_tell(tmp_path: Path) -> None:
    """A template that was copied as files trains all the same."""
    assert read_checkout(tmp_path) == Checkout()
