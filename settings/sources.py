"""Where settings come from: environment, secret files, `settings.ini`; no misspelt ones."""

import configparser
import difflib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
)

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# Variables of these sections may belong to other programs.
_NOT_OURS_ALONE = ("mlflow_", "git_")
_OWN_CHARACTERS = 3


class SettingsError(Exception):
    """A setting cannot be used; the sentence says which and why."""


class EnvironmentSource(EnvSettingsSource):
    """Reads the environment. An empty variable is no value, except where "nothing" is one."""

    def __call__(self) -> dict[str, Any]:
        """Return all values that the environment gives."""
        values = super().__call__()
        if os.environ.get("TRAIN_IF_EMPTY") == "":
            values["train_if_empty"] = "none"
        return values


class SettingsFileSource(PydanticBaseSettingsSource):
    """Reads `settings.ini`: `[service] port` is the setting `service_port`."""

    def __init__(self, settings_cls: type[BaseSettings], file: Path) -> None:
        super().__init__(settings_cls)
        self._values = read_settings_file(file, settings_cls.model_fields)

    def get_field_value(
        self,
        field: FieldInfo,  # noqa: ARG002 - the signature is pydantic-settings'
        field_name: str,
    ) -> tuple[Any, str, bool]:
        """Return the file's text for a field, or None."""
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all values that the file gives."""
        return dict(self._values)


def read_settings_file(file: Path, known: Collection[str]) -> dict[str, str]:
    """Return the values of a settings file by setting name; an empty value is ignored.

    Raises:
        SettingsError: the file cannot be read as an INI file, or has an unknown key.
    """
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, configparser.Error, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file} cannot be read ({type(error).__name__}): it must be a file of UTF-8 text with "
            "[sections] of `key = value` lines."
        ) from error
    values = {}
    for section in parser.sections():
        for key, value in parser.items(section):
            name = f"{section}_{key}"
            if name not in known:
                raise SettingsError(
                    f"{file.name}: [{section}] {key} is not a setting.{_near(name, known)} "
                    "`mlops settings` lists them all."
                )
            if value:
                values[name] = value
    return values


def settings_file(environment: Mapping[str, str]) -> Path:
    """Return the settings file: the one that `SETTINGS_FILE` names, or the project's own.

    Raises:
        SettingsError: the file that is named is not there.
    """
    named = environment.get("SETTINGS_FILE")
    if named and not Path(named).exists():
        raise SettingsError("SETTINGS_FILE names no file: give the path of one, or unset it.")
    return Path(named) if named else PROJECT_ROOT / "settings.ini"


def refuse_misspelt_variables(environment: Mapping[str, str], known: Collection[str]) -> None:
    """Refuse variables whose names are close to, but not, the name of a setting.

    Raises:
        SettingsError: with the name that was probably meant.
    """
    ours = [name for name in known if "_" in name and not name.startswith(_NOT_OURS_ALONE)]
    for variable in environment:
        name = variable.lower()
        if name in known or "_" not in name:
            continue
        meant = [setting for setting in ours if setting.startswith(name)]
        meant += difflib.get_close_matches(name, ours, n=1, cutoff=0.9)
        # `DB_SERVICE_PORT` is somebody else's, however much it looks like ours.
        if meant and meant[0][:_OWN_CHARACTERS] == name[:_OWN_CHARACTERS]:
            raise SettingsError(
                f"The environment variable {variable} is not a setting. "
                f"Did you mean {meant[0].upper()}?"
            )


def settings_sources(settings_cls: type[BaseSettings]) -> dict[str, PydanticBaseSettingsSource]:
    """Return the sources by name, the strongest first."""
    known = settings_cls.model_fields
    refuse_misspelt_variables(os.environ, known)
    environment = EnvironmentSource(settings_cls)
    file = SettingsFileSource(settings_cls, settings_file(os.environ))
    sources: dict[str, PydanticBaseSettingsSource] = {"environment": environment}
    # Where the secrets are depends on a setting, which is no secret itself.
    default = settings_cls.model_fields["local_data"].default
    secrets = Path({"local_data": default, **file(), **environment()}["local_data"]) / "secrets"
    if secrets.is_dir():
        sources["secret file"] = SecretsSettingsSource(settings_cls, secrets_dir=secrets)
    sources["settings.ini"] = file
    return sources


def _near(name: str, known: Collection[str]) -> str:
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {matches[0]}?" if matches else ""
