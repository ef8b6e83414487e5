"""The options of the tests; a conftest further down is read after the options are."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make faults` ask for more than `make test`."""
    group = parser.getgroup("faults")
    group.addoption("--rounds", type=int, default=1, help="how many times each fault is made")
    group.addoption(
        "--faults-report", type=Path, help="the folder that the counts of all faults are written to"
    )
