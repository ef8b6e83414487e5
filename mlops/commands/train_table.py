"""From a table to a model that serves it, trained once for as long as the table stays the same."""

import importlib
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import typer

from mlops.commands.train import run
from mlops.console import Exit, notify
from model_store.aliases import CHAMPION
from model_store.errors import ModelStoreError
from model_store.manifest import Manifest
from settings import factories
from settings.settings import Settings
from settings.sources import PROJECT_ROOT
from workers.fork import ask_copy

PIPELINE = PROJECT_ROOT / "ml_pipe"
FIRST = "data_etl"
"""The module of the first notebook, whose `prepare` says whether a table can be trained on."""


def train_table(settings: Settings, data: Path, parameters: Mapping[str, str]) -> str:
    """Return the name of a table's model; it is trained unless its champion already was, on it.

    `parameters` are those of the notebooks; `target` is among them.
    """
    # Only this verb, and only with a table, needs the notebooks' libraries.
    from ml_pipe.runner.errors import PipelineError, TableError  # noqa: PLC0415
    from ml_pipe.runner.run.boosters import with_booster  # noqa: PLC0415
    from ml_pipe.runner.run.environment import kernel_environment  # noqa: PLC0415
    from ml_pipe.runner.run.model_name import model_name  # noqa: PLC0415
    from ml_pipe.runner.run.progress import show_phases  # noqa: PLC0415

    parameters = {name: str(value) for name, value in with_booster(parameters).items()}
    model = parameters.get("model") or settings.model_name or model_name(data)
    champion = _champion(settings, model)
    if champion and _is_trained_on(champion, data, parameters):
        notify(f"{model} {champion.version} was trained on this table already.")
        return model
    given = {"data": str(data.resolve())} | dict(parameters) | {"model": model}

    def check() -> str:
        try:
            with show_phases(f"reading {data.name}"):
                # The table's code is the user's, as in a kernel: it gets no secret.
                kept = kernel_environment(os.environ, settings.train_variables)
                os.environ.clear()
                os.environ.update(kept)
                said = check_table(settings.local_data, data, given, settings.log_personal_fields)
        except (TableError, PipelineError, ModelStoreError) as error:
            notify(f"mlops: {error}")
            sys.exit(Exit.FAILED)
        return "".join(f"{sentence}\n" for sentence in said)

    # In a copy of this process: the table and its libraries are gone before training begins.
    code, said = ask_copy(check)
    if code:
        raise typer.Exit(code)
    if said:
        notify(said.rstrip())
    notify(f"Training {model} on {data}: the notebooks of ml_pipe, one after the other.")
    return run(settings, PIPELINE, given).model


def check_table(
    local_data: Path,
    data: Path,
    parameters: Mapping[str, str],
    personal: Collection[str] = (),
) -> list[str]:
    """Prepare a table as the first notebook will, so that what is wrong is said at once.

    Return how it is read, where that could have been otherwise, in sentences. The notebooks are
    exported first, as a run does: what is called is what they hold now.

    Raises:
        TableError: it is unreadable, has no such target, or cannot be trained on.
        SignatureError: it has a column that cannot be served.
        PipelineError: a parameter is wrong, or a notebook cannot be exported, imported or called.
    """
    from ml_pipe.runner.errors import PipelineError, TableError  # noqa: PLC0415
    from ml_pipe.runner.reading.options import ReadingOptions  # noqa: PLC0415
    from ml_pipe.runner.reading.read_table import read_table  # noqa: PLC0415
    from ml_pipe.runner.run.personal import (  # noqa: PLC0415
        without_quotes,
        without_reasons,
        without_values,
    )
    from ml_pipe.runner.run.pipeline import Pipeline  # noqa: PLC0415
    from ml_pipe.runner.source.export import refresh_modules  # noqa: PLC0415
    from ml_pipe.runner.table.last_version import expected_signature  # noqa: PLC0415

    pipeline = Pipeline.read(PIPELINE)
    notebook = next(iter(pipeline.declarations))
    values = pipeline.complete(notebook, pipeline.values(parameters))
    refresh_modules()
    table = read_table(data, ReadingOptions.of(values))
    expected = expected_signature(local_data, parameters["model"], data, values)
    try:
        module = importlib.reload(importlib.import_module(f"ml_pipe.{FIRST}"))
        # A notebook without it is checked by the run alone.
        if hasattr(module, "prepare"):
            prepared = module.prepare(table, values, expected)
            without_values(prepared.signature, personal)
            reasons = without_reasons(prepared.left_out, personal)
            left_out = [f"{n} is left out: {why}." for n, why in reasons.items()]
            notes = without_quotes(prepared.notes, personal)
            return [*notes, *left_out, *filter(None, [prepared.task_reason])]
    except (TableError, ModelStoreError):
        raise
    except Exception as error:
        raise PipelineError(
            f"{notebook.name} cannot prepare {data} ({type(error).__name__}: {error}): run it by "
            "hand, in `make lab`, to see where."
        ) from error
    return []


def _champion(settings: Settings, model: str) -> Manifest | None:
    store = factories.model_store(settings)
    try:
        return store.manifest(model, store.aliases(model).current[CHAMPION])
    except (ModelStoreError, KeyError):
        return None


def _is_trained_on(manifest: Manifest, data: Path, parameters: Mapping[str, str]) -> bool:
    from ml_pipe.runner.reading.files.packing import fingerprint  # noqa: PLC0415 - see `train_table`
    from ml_pipe.runner.source.clean_notebook import digest  # noqa: PLC0415
    from ml_pipe.runner.table.target_names import targets_of  # noqa: PLC0415

    outputs = [column.name for column in manifest.signature.targets]
    return (
        manifest.origin.data == fingerprint(data)
        and targets_of(parameters["target"], outputs) == outputs
        and parameters.get("task", "") in {"", manifest.task}
        and manifest.origin.notebooks
        == {n: digest(PIPELINE / n) for n in manifest.origin.notebooks}
        # Whoever asks for more than that wants to see it happen.
        and set(parameters) <= {"target", "task", "model"}
    )
