"""The environment that a test of settings begins with: nothing of the machine that runs it."""

import os
from pathlib import Path

import pytest

from settings.settings import Settings


def empty_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Unset every setting, and let `settings.ini` be an empty file in this folder."""
    for variable in list(os.environ):
        if variable.lower() in Settings.model_fields:
            monkeypatch.delenv(variable)
    empty = folder / "settings.ini"
    empty.touch()
    monkeypatch.setenv("SETTINGS_FILE", str(empty))
