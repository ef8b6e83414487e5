"""What all faults share: how many rounds, the counts, and published models.

The model `sum` answers `total = a + factor * b`; of its versions each has a factor of its own.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from model_store.file_store import FileModelStore
from tests.api.conftest import POLICY, sum_draft
from tests.faults import report
from tests.faults.ledger import Judge
from tests.faults.load import judge_sums
from tests.faults.report import Fault
from tests.publisher_key import SIGNER

# They are made with what Linux has: /proc, prlimit, namespaces, strace.
collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]

FIRST_FACTOR, SECOND_FACTOR = 2.0, -100.0

_FAULTS = pytest.StashKey[dict[str, Fault]]()

NewFault = Callable[[str], Fault]


@dataclass
class Sums:
    """A store of the model `sum` in two versions; the first one is its champion."""

    root: Path
    """The folder `models`."""
    first: str
    second: str
    factors: dict[str, float] = field(default_factory=dict)

    @property
    def store(self) -> FileModelStore:
        """The store, to publish and promote more."""
        return FileModelStore(self.root, POLICY, signer=SIGNER)

    @property
    def judge(self) -> Judge:
        """What says whether an answer is right."""
        return judge_sums(self.factors)

    def copied(self, folder: Path) -> "Sums":
        """Return a copy as the folder's `models`, to be damaged."""
        shutil.copytree(self.root, folder / "models")
        return Sums(folder / "models", self.first, self.second, self.factors)


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """Return how many rounds a fault is made: `--rounds`, 1 in `make test`."""
    count: int = request.config.getoption("--rounds")
    return count


@pytest.fixture
def new_fault(request: pytest.FixtureRequest) -> NewFault:
    """Return the counts of a fault, which the report shows even if the test fails.

    Tests that name the same fault share them.
    """

    def make(name: str) -> Fault:
        faults = request.config.stash.setdefault(_FAULTS, {})
        return faults.setdefault(name, Fault(name))

    return make


@pytest.fixture(scope="session")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Sums:
    """Return a store of two versions, made once, and only read or copied."""
    sums = Sums(tmp_path_factory.mktemp("sums"), "", "")
    sums.first = sums.store.publish(sum_draft(FIRST_FACTOR))
    sums.second = sums.store.publish(sum_draft(SECOND_FACTOR))
    sums.store.promote("sum", sums.first)
    sums.factors = {sums.first: FIRST_FACTOR, sums.second: SECOND_FACTOR}
    return sums


def pytest_report_header() -> list[str]:
    """Say where the faults are left out."""
    return [f"faults: not on {sys.platform}, they need Linux"] if collect_ignore_glob else []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the faults fault by fault, and write the report where `--faults-report` says."""
    faults = list(config.stash.get(_FAULTS, {}).values())
    folder: Path | None = config.getoption("--faults-report")
    if folder and faults:
        terminalreporter.section("faults")
        terminalreporter.write_line(report.table(faults))
        report.write(faults, folder)
        terminalreporter.write_line(f"Written to {folder}/faults.md and faults.json")
