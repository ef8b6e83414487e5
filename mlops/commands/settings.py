"""`mlops settings`: every setting with its value, where it came from, and what it means."""

from typing import Annotated, Any, NamedTuple

import typer
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError as SourceError

from mlops.console import Exit, JsonOption, fail, print_json, print_table, say
from settings.settings import Settings
from settings.sources import SettingsError, settings_sources


class SettingRow(NamedTuple):
    """One setting, as it is shown."""

    name: str
    value: str
    source: str
    meaning: str


def load_settings() -> Settings:
    """Return the settings, or leave with a sentence on the one that cannot be used."""
    try:
        return Settings()
    except SettingsError as error:
        fail(str(error), Exit.USAGE)
    except SourceError:
        fail("A file in the folder of secrets cannot be read: it must be UTF-8 text.", Exit.USAGE)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = "_".join(str(part) for part in found["loc"]).upper() or "The settings"
        reason = found["msg"].removeprefix("Value error, ")
        fail(f"{name} cannot be used: {reason}. `mlops settings` says what it means.", Exit.USAGE)


def setting_rows(settings: Settings) -> list[SettingRow]:
    """Return every setting by the name of its environment variable; secrets only as set or not."""
    came_from: dict[str, str] = {}
    for source, values in reversed(settings_sources(Settings).items()):
        came_from |= dict.fromkeys(values(), source)
    return [
        SettingRow(
            name.upper(),
            _shown(getattr(settings, name)),
            came_from.get(name, "default"),
            " ".join((field.description or "").split()),
        )
        for name, field in Settings.model_fields.items()
    ]


def settings_table() -> str:
    """Return every setting with its default and meaning, as a table of Markdown."""
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "local_data" if name == "local_data" else _shown(field.default)
        shown = f"`{default}`" if default and not default.startswith("(") else ""
        meaning = " ".join((field.description or "").split())
        lines.append(f"| `{name.upper()}` | {shown} | {meaning} |")
    return "\n".join(lines)


def settings(
    *,
    as_json: JsonOption = False,
    markdown: Annotated[bool, typer.Option(help="Print the table of the documentation.")] = False,
) -> None:
    """Show every setting with its value, its source and its meaning."""
    if markdown:
        say(settings_table())
        return
    rows = setting_rows(load_settings())
    if as_json:
        print_json([row._asdict() for row in rows])
    else:
        print_table(["Setting", "Value", "Source", "Meaning"], rows)


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "(set)" if value.get_secret_value() else "(not set)"
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)
