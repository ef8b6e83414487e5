"""Types of settings: how a text of the environment, or of a file, becomes a value."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def split(value: Any) -> Any:
    """Return the parts of a text with commas; anything else as it is."""
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


def pairs(value: Any) -> Any:
    """Return the pairs of a text such as `age=0.2, income=0.3`; anything else as it is."""
    return (
        dict(part.split("=", 1) if "=" in part else (part, "") for part in split(value))
        if isinstance(value, str)
        else value
    )


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Section(BaseSettings):
    """A part of the settings. The text under a field is its meaning."""

    model_config = SettingsConfigDict(
        extra="forbid",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )
