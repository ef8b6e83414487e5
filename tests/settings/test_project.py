"""What the project is called is asked of `pyproject.toml`, and of nothing that was installed."""

from pathlib import Path

import pytest

from api.app import create_app
from settings import project
from settings.settings import Settings


def test_the_service_has_the_version_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under whatever name it was installed, or none."""
    monkeypatch.setattr(project, "PROJECT_ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "4.7.11"\n')
    assert create_app(Settings()).version == "4.7.11"
