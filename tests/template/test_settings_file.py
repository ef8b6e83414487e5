"""The `settings.ini` that the template ships; a user's own may say what it likes."""

from pathlib import Path

import pytest

from settings.settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_shipped_settings_file_changes_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows what can be set; who deletes it gets the same service."""
    defaults = Settings()
    monkeypatch.setenv("SETTINGS_FILE", str(ROOT / "settings.ini"))
    assert Settings() == defaults
