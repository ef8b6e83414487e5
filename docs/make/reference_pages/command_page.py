"""`docs/reference/command.md`."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from docs.make.reference_pages.markdown import table
from mlops.cli import app

INTRODUCTION = """
`make serve` installs it as `.venv/bin/mlops`. `mlops COMMAND --help` prints the same as this page. Results go to standard
output and everything else to standard error; with `--json`, where there is such an option, results are JSON.

| exit code | meaning |
| --: | --- |
| 0 | done |
| 1 | failed; one sentence says why |
| 2 | wrong usage, or a setting that cannot be used |
| 3 | no such model, version or alias |
"""


def command_parts() -> Iterator[str]:
    """Yield the parts of the page, after its introduction."""
    yield from _described(typer.main.get_command(app), "mlops")


# Typer brings a copy of click, whose classes have no public names.
def _described(command: Any, path: str) -> Iterator[str]:
    """Yield the help of a command, and of those below it."""
    context = command.context_class(command, info_name=path)
    if path != "mlops":
        yield f"{'#' * (1 + path.count(' '))} {path}"
        yield inspect.cleandoc(command.help or "")
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            yield from _described(command.get_command(context, name), f"{path} {name}")
        return
    yield f"```text\n{' '.join([path, *command.collect_usage_pieces(context)])}\n```"
    rows = [
        [f"`{_spelled(parameter)}`", parameter.help or ""]
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
        if "--help" not in parameter.opts
    ]
    if rows:
        yield table(["argument or option", "meaning"], rows)


def _spelled(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    return ", ".join([*parameter.opts, *parameter.secondary_opts])
