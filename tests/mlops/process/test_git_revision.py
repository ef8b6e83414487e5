"""Where a run's code comes from, asked of git."""

import subprocess
from pathlib import Path

import pytest

from mlops.process.git_revision import (
    CODE_DIGEST,
    GitRevision,
    code_digest,
    is_dirty,
    read_git_revision,
)


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


def test_branch_and_commit_are_read(checkout: Path) -> None:
    """A clean checkout has its branch and its whole commit id."""
    found = read_git_revision(checkout)
    assert found.branch == "main"
    assert len(found.head) == 40
    assert not is_dirty(checkout)


def test_a_detached_head_has_no_branch(checkout: Path) -> None:
    """The word that git has in its place is no branch's name."""
    subprocess.run(["git", "-C", str(checkout), "checkout", "-q", "--detach"], check=True)
    assert read_git_revision(checkout) == GitRevision("", read_git_revision(checkout).head)


def test_a_tag_of_its_name_changes_no_branch(checkout: Path) -> None:
    """Git then writes more than the name."""
    subprocess.run(["git", "-C", str(checkout), "tag", "main"], check=True)
    assert read_git_revision(checkout).branch == "main"


def test_a_changed_file_makes_it_dirty(checkout: Path) -> None:
    """An auditor learns that the commit alone does not make the model again."""
    (checkout / "file").write_text("two")
    assert is_dirty(checkout)


def test_a_new_file_makes_it_dirty(checkout: Path) -> None:
    """A notebook that nobody has committed yet may be what trained."""
    (checkout / "new").touch()
    assert is_dirty(checkout)
    (checkout / ".gitignore").write_text("*")
    assert not is_dirty(checkout)


def test_a_copy_without_git_has_no_revision(tmp_path: Path) -> None:
    """A template that was copied as files trains all the same."""
    assert read_git_revision(tmp_path) == GitRevision()
    assert not is_dirty(tmp_path)


def test_an_image_knows_its_own_code(tmp_path: Path) -> None:
    """It has a digest in place of git; a checkout mounted over it may have other code."""
    for name in ("ml_pipe/00.ipynb", "ml_pipe/etl.py", "examples/iris/iris.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    (tmp_path / CODE_DIGEST).write_text(code_digest(tmp_path) + "\n")
    (tmp_path / "ml_pipe" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "ml_pipe" / ".ipynb_checkpoints" / "00.ipynb").write_text("two")
    (tmp_path / "examples/iris/iris.csv").write_text("two")
    assert not is_dirty(tmp_path)
    (tmp_path / "ml_pipe/etl.py").write_text("two")
    assert is_dirty(tmp_path)


@pytest.mark.parametrize("name", ["ml_pipe/more.py", "examples/own/01.ipynb"])
def test_a_new_file_is_another_code(tmp_path: Path, name: str) -> None:
    """It may be the one that runs."""
    before = code_digest(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    assert code_digest(tmp_path) != before
