"""The options of the tests; a conftest further down is read after the options are."""

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test is timed: a busy machine would fail it.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let CI and `make faults` ask for more than `make test`."""
    parser.addoption(
        "--skip-nothing", action="store_true", help="a test that would be skipped fails"
    )
    group = parser.getgroup("faults")
    group.addoption("--rounds", type=int, default=1, help="how many times each fault is made")
    group.addoption(
        "--faults-report", type=Path, help="the folder that the counts of all faults are written to"
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
