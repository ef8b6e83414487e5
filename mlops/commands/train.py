"""`mlops train`: run a pipeline, from its table to a published version."""

import signal
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.commands.run_context import run_context
from mlops.commands.settings import load_settings
from mlops.console import Exit, JsonOption, fail, notify, print_json
from mlops.process.threads import threads_for_training
from settings.settings import Settings

if TYPE_CHECKING:
    from ml_pipe.runner.run.run_folder import RunReport

CANNOT_TRAIN = "This installation serves models and cannot train them."

Folder = Annotated[
    Path,
    typer.Argument(help="A folder of numbered notebooks, or of parameters for the template's."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", help="A notebook's parameter, as name=value. Repeatable."),
]


def train(
    folder: Folder = Path("ml_pipe"),
    parameter: Parameters = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Run the notebooks of a pipeline; they publish a version if it passes its acceptance tests."""
    # As process 1 of a container we would not be stopped otherwise; kernels end with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    report = run(load_settings(), folder, parse_parameters(parameter or []))
    if as_json:
        print_json({"run": report.run_id, "model": report.model, "version": report.version})
        return
    notify(f"Published {report.model} {report.version}. Executed notebooks: {report.folder}")


def run(settings: Settings, folder: Path, parameters: Mapping[str, Any]) -> "RunReport":
    """Run a pipeline under the settings; show what came of it, or leave with a sentence."""
    if not can_train():
        fail(f"{CANNOT_TRAIN} Train with requirements/train.txt, or in the image of all modes.")
    # The notebooks' libraries take long to import, and no other verb needs them.
    from ml_pipe.runner.errors import PipelineError, TableError  # noqa: PLC0415
    from ml_pipe.runner.run.progress import show_phases  # noqa: PLC0415

    with show_phases("loading the libraries"):
        from ml_pipe.runner.run.context import Context  # noqa: PLC0415
        from ml_pipe.runner.run.notebook_run import CellError  # noqa: PLC0415
        from ml_pipe.runner.run.run_folder import summary_in  # noqa: PLC0415
        from ml_pipe.workflow import run_pipeline  # noqa: PLC0415

    try:
        with threads_for_training():
            report = run_pipeline(folder, parameters, Context(**run_context(settings)))
    except (PipelineError, TableError) as error:
        if isinstance(error, CellError) and (known := summary_in(error.executed.parent)):
            notify(f"{known.text(str(error.executed.parent))}\n")
        fail(str(error))
    if report.summary:
        notify(f"{report.summary}\n")
    return report


def can_train() -> bool:
    """Return whether the notebooks' libraries are here; an image that only serves has none."""
    return find_spec("papermill") is not None


def parse_parameters(given: list[str]) -> dict[str, str]:
    """Return `name=value` pairs; the notebook that declares a name reads its value."""
    parameters = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            fail(f"A parameter is written name=value: {pair!r} is not.", Exit.USAGE)
        parameters[name] = text
    return parameters
