"""The settings that every test begins with: the defaults, and nothing of the machine that runs it.

A setting could come from a variable of the shell, from the checkout's `settings.ini`, or from the
secrets in the checkout's `local_data`, which `make serve` leaves there.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from settings.settings import Settings
from settings.sources import SettingsError, refuse_misspelt_variables


def setting_variables(names: Iterable[str]) -> list[str]:
    """Return those of some variables that are settings, or that are refused as misspelt ones."""
    known = Settings.model_fields

    def is_setting(name: str) -> bool:
        try:
            refuse_misspelt_variables({name: ""}, known)
        except SettingsError:
            return True
        return name.lower() in known

    return [name for name in names if is_setting(name)]


def empty_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Unset every setting, here and in what is started from here.

    Args:
        monkeypatch: What restores the variables.
        folder: It gets an empty `settings.ini`; `local_data` there is the folder of the service.
    """
    for variable in setting_variables(list(os.environ)):
        monkeypatch.delenv(variable)
    empty = folder / "settings.ini"
    empty.touch()
    monkeypatch.setenv("SETTINGS_FILE", str(empty))
    monkeypatch.setenv("LOCAL_DATA", str(folder / "local_data"))
