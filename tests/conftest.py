"""The options and the settings of all tests; a conftest further down is read after the options are.

No test depends on the machine that runs it: see `tests/empty_environment.py`.
"""

import os
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tests.empty_environment import empty_environment

LONGEST = frozenset({"test_first_day.py", "test_real_tables.py", "test_seed_defects.py"})

_states: dict[np.random.Generator, Mapping[str, Any]] = {}
"""What the generators of random numbers were like when their modules were imported."""

# No test is timed: a busy machine would fail it.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let CI and `make faults` ask for more than `make test`."""
    parser.addoption(
        "--skip-nothing", action="store_true", help="a test that would be skipped fails"
    )
    parser.addoption(
        "--rest-of", default="", help="folders: only their tests, and those that are marked slow"
    )
    group = parser.getgroup("faults")
    group.addoption("--rounds", type=int, default=1, help="how many times each fault is made")
    group.addoption(
        "--faults-report", type=Path, help="the folder that the counts of all faults are written to"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Unset the settings of whoever runs the tests, before any module is imported.

    Fixtures of a module or of the session, and the processes that they start, begin with this.
    """
    folder = tempfile.TemporaryDirectory(prefix="tests-", ignore_cleanup_errors=True)
    monkeypatch = pytest.MonkeyPatch()
    empty_environment(monkeypatch, Path(folder.name))
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(monkeypatch.undo)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes: the last of them would be run beside idle cores."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    for module in {item.getparent(pytest.Module) for item in items}:
        if module:
            _states.update({each: each.bit_generator.state for each in _generators(module.obj)})
    folders = [config.rootpath / name for name in config.getoption("--rest-of").split()]

    def is_quick(item: pytest.Item) -> bool:
        is_inside = any(item.path.is_relative_to(folder) for folder in folders)
        return not (is_inside or item.get_closest_marker("slow"))

    if folders:
        config.hook.pytest_deselected(items=[item for item in items if is_quick(item)])
        items[:] = [item for item in items if not is_quick(item)]


@pytest.fixture(autouse=True)
def _same_random_numbers(request: pytest.FixtureRequest) -> None:
    """Let no test depend on which tests of its module ran before."""
    for generator in _generators(request.module):
        generator.bit_generator.state = _states[generator]


def _generators(module: ModuleType) -> list[np.random.Generator]:
    return [each for each in vars(module).values() if isinstance(each, np.random.Generator)]


@pytest.fixture(autouse=True)
def _own_local_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let a service that a test starts write to the folder of the test."""
    monkeypatch.setenv("LOCAL_DATA", str(tmp_path / "local_data"))


@pytest.fixture(autouse=True)
def _own_umask() -> Generator[None]:
    """Let no test decide who may read the files of the next: a run makes its own private."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def verdicts_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where all tests remember which versions may be loaded."""
    return tmp_path_factory.mktemp("checked")


@pytest.fixture(autouse=True)
def _shared_verdicts(monkeypatch: pytest.MonkeyPatch, verdicts_of_tests: Path) -> None:
    """Let copies of one store, of which tests make many, be loaded in a process once."""
    # To check one for the first time may take longer, beside other tests, than a start waits.
    monkeypatch.setattr("api.lifespan.START_SECONDS", 100.0)
    monkeypatch.setattr(
        "model_store.first_load.verdicts.folder_beside", lambda _: verdicts_of_tests
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail instead of skipping, where that is asked for."""
    report = yield
    if report.skipped and item.config.getoption("--skip-nothing"):
        report.outcome = "failed"
        report.longrepr = f"It would be skipped: {report.longrepr}"
    return report
