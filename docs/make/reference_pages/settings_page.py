"""`docs/reference/settings.md`."""

from collections.abc import Iterator

from mlops.commands.settings import settings_table

INTRODUCTION = """
A setting has its value from the first of these that gives one:

1. an environment variable, as in `SERVICE_PORT=8001 make serve`;
2. a file in `local_data/secrets/`, named as the setting in small letters, as `admin_password`;
3. the file `settings.ini`, where `SERVICE_PORT` is `port` in the section `[service]`;
4. the default.

The service refuses a misspelt key in the file, and a variable that is nearly the name of a setting.
`SETTINGS_FILE` names another file than `settings.ini`. `mlops settings` prints every setting with its
value and where the value comes from. [Add a setting](../how-to/add-a-setting.md) shows how to add one.
"""
HEAD = "| setting | default | meaning |\n| --- | --- | --- |"


def settings_parts() -> Iterator[str]:
    """Yield the parts of the page, after its introduction."""
    _, _, *lines = settings_table().splitlines()
    sections: dict[str, list[str]] = {}
    for line in lines:
        section = line.split("`")[1].partition("_")[0].lower()
        sections.setdefault("" if section in {"mode", "local"} else section, []).append(line)
    for section, found in sections.items():
        title = f"[{section}]" if section else "Without a section"
        yield "\n".join([f"## {title}\n", HEAD, *found])
