"""Every setting of the service, in one place.

A setting comes from the environment, else from a secret file, else from `settings.ini`, else from
its default. `[service] port` in the file is `service_port` here and `SERVICE_PORT` in the
environment: section and key, joined by an underscore.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from settings.log_settings import LogSettings
from settings.model_settings import ModelSettings
from settings.monitoring_settings import MonitoringSettings
from settings.service_settings import ServiceSettings
from settings.sources import PROJECT_ROOT, settings_sources
from settings.values import Section


class PlaceSettings(Section):
    """What has no section of its own."""

    mode: Literal["api", "jupyterlab", "vsc", "train"] = "vsc"
    """What the container does. Read from the environment only."""

    local_data: Path = PROJECT_ROOT / "local_data"
    """The folder for everything that is written at run time."""


class ProvenanceSettings(Section):
    """The sections `[git]` and `[mlflow]`."""

    git_branch: str = ""
    """The git branch of this code; empty: read from git."""
    git_head: str = ""
    """The git commit of this code; empty: read from git."""

    mlflow_tracking_uri: str = ""
    """Accepted for compatibility; the file store does not use it."""
    mlflow_registry_uri: str = ""
    """Accepted for compatibility; the file store does not use it."""
    mlflow_model_name: str = ""
    """Accepted for compatibility; the file store does not use it."""
    mlflow_model_version: str = ""
    """Accepted for compatibility; the file store does not use it."""


# Fields are listed in the order of the bases, the last one first.
class Settings(
    ProvenanceSettings,
    MonitoringSettings,
    LogSettings,
    ModelSettings,
    ServiceSettings,
    PlaceSettings,
):
    """The settings; `mlops settings` prints them, with the text under each field."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - made anew by settings_sources
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - there is no .env file
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as env_settings
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Say where settings come from; called by pydantic-settings."""
        return (init_settings, *settings_sources(settings_cls).values())

    @model_validator(mode="before")
    @classmethod
    def _text(cls, values: Any) -> Any:
        for name, value in values.items():
            try:
                str(value).encode()
            except UnicodeEncodeError:
                raise ValueError(f"{name.upper()} is not valid UTF-8 text") from None
        return values
