"""What a killed service leaves in shared memory is removed at the next start, and nothing else."""

import os
import subprocess
import sys
import time
from pathlib import Path

from model_store.model_process.shared_folder import PREFIX, remove_left_behind, shared_folder

# Holds a folder, and a copy of itself that inherits the lock, until its input ends.
OWNER = """
import os, sys
from pathlib import Path
from model_store.model_process.shared_folder import shared_folder
with shared_folder(Path(sys.argv[1])) as folder:
    copy = os.fork()
    if copy == 0:
        sys.stdin.read()
        os._exit(0)
    print(folder, copy, flush=True)
    sys.stdin.read()
"""


def owner(place: Path) -> tuple["subprocess.Popen[str]", Path, int]:
    """Start an owner; return it, its folder and the id of its copy."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    folder, copy = process.stdout.readline().split()
    return process, Path(folder), int(copy)


def test_a_folder_goes_with_the_last_of_its_owners(tmp_path: Path) -> None:
    """While any process of the service lives, its folder stays."""
    process, folder, _ = owner(tmp_path)
    with process:
        assert remove_left_behind(tmp_path) == []
        process.kill()
        process.wait()
        # Its copy still counts in there, until it notices.
        assert remove_left_behind(tmp_path) == []
        assert process.stdin
        process.stdin.close()
        while not remove_left_behind(tmp_path):
            time.sleep(0.01)
    assert not folder.exists()


def test_the_next_start_removes_what_was_left(tmp_path: Path) -> None:
    """And leaves its own and those of others that live."""
    process, dead, copy = owner(tmp_path)
    with process:
        os.kill(copy, 9)
        process.kill()
        process.wait()
    living, other, _ = owner(tmp_path)
    with living, shared_folder(tmp_path) as own:
        assert sorted(tmp_path.iterdir()) == sorted([other, own])
        assert not dead.exists()
        living.communicate()


def test_what_is_not_surely_ours_stays(tmp_path: Path) -> None:
    """A link, a file, a folder that others may write to, one of another name, and a young one."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o700)
    (elsewhere / "owner.lock").touch()
    place = tmp_path / "place"
    place.mkdir()
    (place / f"{PREFIX}link").symlink_to(elsewhere)
    (place / f"{PREFIX}file").touch()
    (place / f"{PREFIX}shared").mkdir(0o700)
    (place / f"{PREFIX}shared").chmod(0o777)
    (place / "another-name").mkdir(0o700)
    (place / f"{PREFIX}young").mkdir(0o700)
    before = sorted(place.iterdir())
    assert remove_left_behind(place) == []
    assert sorted(place.iterdir()) == before
    assert list(elsewhere.iterdir()) == [elsewhere / "owner.lock"]


def test_a_folder_from_before_there_were_locks_goes_when_nobody_has_it_open(
    tmp_path: Path,
) -> None:
    """Each process of a service has one of its files open."""
    folder = tmp_path / f"{PREFIX}older"
    folder.mkdir(0o700)
    with (folder / "lines.lock").open("wb"):
        os.utime(folder, (0, 0))
        assert remove_left_behind(tmp_path) == []
    assert remove_left_behind(tmp_path) == [folder]
    assert not folder.exists()


def test_a_place_that_is_missing_prevents_no_start(tmp_path: Path) -> None:
    """There is nothing to remove."""
    assert remove_left_behind(tmp_path / "missing") == []
