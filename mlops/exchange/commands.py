"""`mlops models export` and `mlops models import`: versions that go, and models that come."""

import os
from pathlib import Path
from typing import Annotated

import typer

from mlops.commands.models import Model, Version, decide_version, sealed_by, sentences
from mlops.commands.run_context import run_context
from mlops.commands.settings import load_settings
from mlops.console import Exit, agreed, fail, notify, say
from mlops.exchange.files.arrival import adopt
from mlops.exchange.files.parcel import is_parcel, pack, unpack
from mlops.exchange.files.pickled_names import names_in_pickle
from mlops.exchange.files.recognition import Form, recognised
from mlops.exchange.importing import ask
from mlops.exchange.question import Question
from mlops.sealing.approve import signer_of
from model_store.aliases import CHAMPION
from model_store.file_store import FileModelStore
from model_store.names import checked_name
from settings import factories
from settings.settings import Settings

_PRIVATE = "It holds golden rows, which are rows of the training table: keep it as safe as that."


def export_model(
    model: Model,
    version: Version = CHAMPION,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to make, or a folder for it.")
    ] = Path(),
) -> None:
    """Write a version to one file, its seal included, for `mlops models import` elsewhere."""
    store = factories.model_store(load_settings())
    with sentences():
        version = decide_version(store, model, version)
        folder = store.version_folder(model, version)
        file = output / f"{model}-{version}.zip" if output.is_dir() else output
        size = pack(folder, model, version, file)
        sealed = sealed_by(store, model, version)
    say(f"Exported {model} {version} to {file}: {size:,} bytes, sealed by {sealed or 'nobody'}.")
    say(f"On the other machine: mlops models import {file.name}")
    notify(_PRIVATE)


def import_model(  # noqa: PLR0913 - options, each by its name
    file: Annotated[
        Path, typer.Argument(help="What `mlops models export` made, or a model's own file.")
    ],
    *,
    examples: Annotated[
        Path | None,
        typer.Option(help="A table with true values, of rows that the model has not learnt from."),
    ] = None,
    target: Annotated[
        str, typer.Option(help="The column of the examples that holds the true values.")
    ] = "",
    model: Annotated[str, typer.Option(help="Its name here; else that of the file.")] = "",
    task: Annotated[str, typer.Option(help="classification or regression, if in doubt.")] = "",
    labels: Annotated[
        str, typer.Option(help="Its labels in order, set apart by commas, if it has places alone.")
    ] = "",
    output: Annotated[str, typer.Option(help="Of a graph: the output that answers.")] = "",
    scores: Annotated[
        str,
        typer.Option(
            help="Of a graph: its output holds probabilities, logits or log-probabilities."
        ),
    ] = "",
    alias: Annotated[
        str, typer.Option(help="The alias to move; if left out, champion where there is none.")
    ] = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", help="How to read the examples, as NAME=VALUE; see 00_data_etl."),
    ] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="You trust whoever made it: its code may run.")
    ] = False,
    accept_guessing: Annotated[
        bool, typer.Option("--accept-guessing", help="Import what is no better than guessing.")
    ] = False,
) -> None:
    """Store a model from elsewhere as a version, with every check that a training has.

    Besides bundles: ONNX, skops, joblib and pickle (with --approve), files of XGBoost, LightGBM
    and CatBoost, folders of MLflow.
    """
    settings = load_settings()
    if not file.exists():
        fail(f"There is no {file}.", Exit.NOT_FOUND)
    if is_parcel(file):
        _adopt(settings, file, alias)
        return
    with sentences():
        found = recognised(file)
    if examples is None or not target:
        fail(
            "Say by which rows to check it, and what it predicts: --examples TABLE --target NAME.",
            Exit.USAGE,
        )
    if not examples.exists():
        fail(f"There is no {examples}.", Exit.NOT_FOUND)
    # Only an import needs the notebooks' modules.
    from ml_pipe.runner.run.model_name import model_name  # noqa: PLC0415

    approved = approve or (found.form is Form.PICKLE and _agreed(found.path))
    question = Question(
        form=found.form,
        file=str(found.path.resolve()),
        types=dict(found.types),
        examples=str(examples.resolve()),
        target=target.strip(),
        model=model or model_name(file),
        task=task,
        labels=[each.strip() for each in labels.split(",") if each.strip()],
        output=output,
        scores=scores,
        approved=approved,
        accept_guessing=accept_guessing,
        reading=_given(parameter or []),
        context=run_context(settings),
    )
    _import(settings, question, alias, f"imported from {file.name}")


def _import(settings: Settings, question: Question, alias: str, reason: str) -> None:
    """Let a process of its own publish a model; then seal it and give it its alias, here."""
    from ml_pipe.runner.run.environment import kernel_environment  # noqa: PLC0415 - as below

    with sentences():
        checked_name("model", question.model)
        answer = ask(
            question,
            kernel_environment(os.environ, settings.train_variables)
            | {"LOCAL_DATA": str(settings.local_data.resolve())},
            settings.train_cell_timeout_seconds,
        )
        say(f"{question.model} {answer.version}")
        say(answer.text)
        signer = signer_of(settings) if question.approved and settings.model_seal else None
        store = factories.model_store(settings, signer)
        if signer:
            store.seal(question.model, answer.version, answer.manifest)
        give_alias(store, question.model, answer.version, alias, reason)


def _agreed(file: Path) -> bool:
    """Ask whether a pickle may run, after showing what it names."""
    say(f"{file} is a pickle, which runs whatever is in it. It names:")
    say(f"  {', '.join(names_in_pickle(file.read_bytes())) or 'nothing that can be shown'}")
    if not agreed("Do you trust whoever made it?", "look at what is shown, and say --approve."):
        fail("Nothing was imported.")
    return True


def _given(parameters: list[str]) -> dict[str, str]:
    if odd := [each for each in parameters if "=" not in each]:
        fail(f"-p {odd[0]}: write NAME=VALUE.", Exit.USAGE)
    return dict(each.split("=", 1) for each in parameters)


def _adopt(settings: Settings, file: Path, alias: str) -> None:
    """Store what was exported elsewhere."""
    store = factories.model_store(settings)
    with sentences():
        parcel = unpack(file)
        is_new = adopt(settings.local_data / "models", store.policy, parcel)
        name, version = parcel.model, parcel.version
        say(f"{name} {version} {'is imported' if is_new else 'was here already'}.")
        give_alias(store, name, version, alias, f"imported from {file.name}")


def give_alias(store: FileModelStore, model: str, version: str, alias: str, reason: str) -> None:
    """Let an alias point to a version: the one that is named, or `champion` where there is none."""
    champion = store.aliases(model).current.get(CHAMPION)
    chosen = alias or ("" if champion else CHAMPION)
    if chosen:
        store.promote(model, version, chosen, reason=reason)
        say(f"{chosen} of {model} is {version} now.")
    elif champion != version:
        say(f"{CHAMPION} stays {champion}. To let the new one answer:")
        say(f"  mlops models promote {model} {version}")
    if not (store.manifest(model, version).compiled or sealed_by(store, model, version)):
        notify(
            "It has no seal and no compiled form, and is not served before somebody seals it: "
            f"`mlops models approve {model} {version}`."
        )
