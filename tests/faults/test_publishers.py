"""Publishers that are killed at any of their system calls, and publishers at once."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from model_store.file_store import FileModelStore
from model_store.store import LoadPolicy
from tests.faults.conftest import NewFault
from tests.faults.tracer import injected
from tests.model_store.publishers import DRAFT, open_store
from tests.model_store.test_publishing import damage
from tests.publisher_key import PUBLISHERS

ROOT = Path(__file__).parents[2]
CHANGES_A_ROUND = 10
"""So many that `make faults` comes to all of them."""
OTHERS_A_ROUND = 5
CHANGES = re.compile("write|rename|mkdir|rmdir|unlink|sync|truncate|open|link|flock|close")

Moment = tuple[str, int]
"""A system call of a publisher: its name, and its count among calls of this name."""


class Publishers:
    """Starts publishers, each stopped before it begins."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(ROOT), *sys.path])
        self.process = subprocess.Popen(
            [sys.executable, "-P", Path(__file__).with_name("publisher_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )

    def start(self, action: str, folder: Path) -> int:
        """Return the process of a publisher, which does nothing until SIGCONT."""
        return self._reply_to(f"{action}\t{folder}")

    def failures(self) -> int:
        """Wait for all publishers, and return how many failed or were killed."""
        return self._reply_to("")

    def _reply_to(self, line: str) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def publishers() -> Iterator[Publishers]:
    """Return what starts publishers."""
    publishers = Publishers()
    yield publishers
    publishers.process.kill()
    publishers.process.communicate()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of one version, its champion, to be copied."""
    folder = tmp_path_factory.mktemp("before")
    store = open_store(folder)
    store.promote("line", store.publish(DRAFT))
    return folder


@dataclass
class Victims:
    """Publishers that do one thing, each in a copy of one store, and are killed at it."""

    publishers: Publishers
    action: str
    before: Path
    folder: Path
    killed: int = 0
    amiss: list[str] = field(default_factory=list)
    """The errors of readers in the stores that they leave."""

    def moments(self) -> list[Moment]:
        """Return every system call of a publisher that is not killed."""
        copy = self._copy("whole")
        # A signal without effect.
        trace = self._run(copy, "all", "signal=CHLD:when=65535").read_text()
        made = Counter(re.findall(r"^\d+ +(\w+)\(", trace, re.MULTILINE))
        return [(name, n) for name, count in made.items() for n in range(1, count + 1)]

    def kill_at(self, moment: Moment) -> None:
        """Kill one at this system call, before it is made."""
        name, n = moment
        copy = self._copy(f"{name}-{n}")
        self._run(copy, name, f"signal=KILL:when={n}")
        self.amiss += damage(FileModelStore(copy, LoadPolicy(publishers=PUBLISHERS)))
        shutil.rmtree(copy)

    def _copy(self, name: str) -> Path:
        return Path(shutil.copytree(self.before, self.folder / name))

    def _run(self, store: Path, calls: str, fault: str) -> Path:
        process = self.publishers.start(self.action, store)
        trace = store.with_suffix(".trace")
        with injected(process, calls, fault, trace):
            os.kill(process, signal.SIGCONT)
            self.killed += self.publishers.failures()
        return trace


@pytest.fixture
def victims(publishers: Publishers, before: Path, tmp_path: Path) -> Callable[[str], Victims]:
    """Return publishers to be killed while they do something."""
    return lambda action: Victims(publishers, action, before, tmp_path)


def is_change(moment: Moment) -> bool:
    """Return whether a system call changes a file or a folder, or begins or ends such a change."""
    return bool(CHANGES.search(moment[0]))


@pytest.mark.slow  # publishers are killed under strace
@pytest.mark.parametrize("action", ["publish", "promote"])
def test_a_killed_publisher_leaves_the_old_or_the_new(
    victims: Callable[[str], Victims], rounds: int, new_fault: NewFault, action: str
) -> None:
    """Killed at any system call, it leaves readers only whole versions and aliases.

    In `make faults` at every call that changes a file, and at some of all others.
    """
    fault = new_fault("the publisher is killed at any system call")
    fault.rounds = rounds
    killed = victims(action)
    moments = killed.moments()
    for pool, a_round in (
        ([m for m in moments if is_change(m)], CHANGES_A_ROUND),
        ([m for m in moments if not is_change(m)], OTHERS_A_ROUND),
    ):
        for moment in random.sample(pool, min(len(pool), rounds * a_round)):
            killed.kill_at(moment)
    fault.count(f"killed while they {action}", killed.killed)
    fault.count("of system calls", len(moments))
    assert killed.killed
    assert killed.amiss == []


@pytest.mark.slow  # publishers are killed under strace
@pytest.mark.parametrize("action", ["publish in place", "promote in place"])
def test_the_harness_catches_a_publisher_that_does_not_rename(
    victims: Callable[[str], Victims], action: str
) -> None:
    """The control: killed at its last writes, it leaves what readers cannot use."""
    killed = victims(action)
    writes = [moment for moment in killed.moments() if moment[0] == "write"]
    for moment in writes[-3:]:
        killed.kill_at(moment)
    assert killed.amiss


@pytest.mark.slow  # every publisher is a process of its own
def test_publishers_at_once_all_stand(
    publishers: Publishers, before: Path, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Three publish in the same second, and one of them is killed: the others' versions stand."""
    fault = new_fault("publishers at once, one of them killed")
    for number in range(rounds):
        copy = Path(shutil.copytree(before, tmp_path / str(number)))
        processes = [publishers.start("publish", copy) for _ in range(3)]
        for process in processes:
            os.kill(process, signal.SIGCONT)
        time.sleep(random.uniform(0, 0.05))  # noqa: S311 - pytest-randomly seeds it
        os.kill(processes[0], signal.SIGKILL)
        killed = publishers.failures()
        assert killed <= 1
        store = FileModelStore(copy, LoadPolicy(publishers=PUBLISHERS))
        assert damage(store) == []
        assert len(store.versions("line")) >= 1 + 3 - killed
        fault.count("published", 3 - killed)
        fault.count("killed", killed)
        fault.rounds += 1
