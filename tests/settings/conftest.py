"""Settings of the machine that runs the tests are kept out."""

from pathlib import Path

import pytest

from tests.empty_environment import empty_environment


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty_environment(monkeypatch, tmp_path)
