"""Whenever a publisher is killed, and however many there are, readers find whole versions only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model_store.errors import ModelStoreError
from model_store.file_store import FileModelStore
from model_store.store import LoadPolicy
from tests.model_store.conftest import DraftLine
from tests.publisher_key import PUBLISHERS

HERE = Path(__file__).parent


def run_publishers(root: Path, action: str) -> int:
    """Run publishers in processes of their own, and return how many there were."""
    path = os.pathsep.join([str(HERE.parents[1]), *sys.path])
    finished = subprocess.run(
        [sys.executable, HERE / "publishers.py", root, action],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert not finished.returncode, finished.stderr
    return int(finished.stdout)


def damage(store: FileModelStore) -> list[str]:
    """Return what a reader finds amiss."""
    found = []
    for version in store.versions("line"):
        try:
            store.verify("line", version)
        except ModelStoreError as error:
            found.append(str(error))
    try:
        store.load("line", store.aliases("line").current["champion"])
    except ModelStoreError as error:
        found.append(str(error))
    return found


def stores_after(root: Path, action: str, least: int) -> list[FileModelStore]:
    """Return the store that each killed publisher left, of at least so many."""
    killed = run_publishers(root, action) - 1
    assert killed >= least
    return [
        FileModelStore(root / str(n), LoadPolicy(publishers=PUBLISHERS))
        for n in range(1, killed + 1)
    ]


@pytest.mark.slow  # every publisher is a process of its own, and there is one for each step
def test_a_killed_publisher_leaves_only_whole_versions(
    tmp_path: Path, draft_line: DraftLine
) -> None:
    """Killed before each of its steps; the next publisher clears up."""
    stores = stores_after(tmp_path, "publish", least=20)
    assert [damage(store) for store in stores] == [[]] * len(stores)
    counts = {len(store.versions("line")) for store in stores}
    assert counts == {1, 2}, "some were killed before their version appeared, some after"
    leftovers = len(list(tmp_path.glob("*/line/.publishing-*")))
    assert leftovers > 0
    for store in stores:
        store.publish(draft_line())
    assert list(tmp_path.glob("*/line/.publishing-*")) == [], "the next publisher sweeps"


@pytest.mark.slow  # see above
def test_a_killed_promotion_leaves_the_old_or_the_new_alias(tmp_path: Path) -> None:
    """Killed before each of its steps."""
    stores = stores_after(tmp_path, "promote", least=5)
    assert [damage(store) for store in stores] == [[]] * len(stores)
    counts = {len(store.aliases("line").history) for store in stores}
    assert counts == {1, 2}


@pytest.mark.slow  # see above
@pytest.mark.parametrize("action", ["publish in place", "promote in place"])
def test_these_tests_catch_a_publisher_that_does_not_rename(action: str, tmp_path: Path) -> None:
    """Without this control, the two tests above prove nothing."""
    assert any(damage(store) for store in stores_after(tmp_path, action, least=1))


@pytest.mark.slow  # see above
def test_publishers_at_once_all_stand(tmp_path: Path) -> None:
    """In the same second, sweeping around each other."""
    assert run_publishers(tmp_path, "publish at once") == 4
    store = FileModelStore(tmp_path / "0", LoadPolicy(publishers=PUBLISHERS))
    assert len(store.versions("line")) == 5
    assert damage(store) == []
    assert list(tmp_path.glob("*/line/.publishing-*")) == []
