"""`mlops models export` and `mlops models import`: versions that go, and models that come."""

from pathlib import Path
from typing import Annotated

import typer

from mlops.commands.models import Model, Version, decide_version, sealed_by, sentences
from mlops.commands.settings import load_settings
from mlops.console import Exit, fail, notify, say
from model_store.aliases import CHAMPION
from settings import factories

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
    # The service starts by this command, too, and needs nothing of it.
    from mlops.exchange.files.parcel import pack  # noqa: PLC0415

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
    # As above.
    from mlops.exchange.incoming import Wanted, take_in  # noqa: PLC0415

    if not file.exists():
        fail(f"There is no {file}.", Exit.NOT_FOUND)
    wanted = Wanted(
        file=file,
        examples=examples,
        target=target.strip(),
        model=model,
        task=task,
        labels=labels,
        output=output,
        scores=scores,
        alias=alias,
        parameters=parameter or [],
        approve=approve,
        accept_guessing=accept_guessing,
    )
    take_in(load_settings(), wanted)
