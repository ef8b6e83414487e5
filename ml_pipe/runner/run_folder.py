"""The folder of a run: the clean table and what is known of it, from notebook to notebook."""

import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.parameters import Value
from model_store.manifest import Origin, Task
from model_store.schema.conform import conform
from model_store.schema.signature import Signature


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run's table; `table.json` beside it."""

    model: str
    task: Task
    target: str
    source: str
    """The name of the table's file."""
    fingerprint: str
    """SHA-256 of that file."""
    dropped: dict[str, int]
    remarks: list[str]
    signature: Signature


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What was run; `run.json` in its folder, written by the workflow."""

    run: str
    pipeline: str
    notebooks: dict[str, str]
    """SHA-256 of each notebook, by file name."""
    parameters: dict[str, Value]


def model_name(path: Path) -> str:
    """Return a model's name from a table's file name, made safe: letters, digits, `_` and `-`."""
    stem = path.name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-").lower()[:64] or "model"


def root_of(local_data: str) -> Path:
    """Return the folder of everything written at run time, as given or as the shell says."""
    return Path(local_data or os.environ.get("LOCAL_DATA") or "../local_data")


def folder_of(run_folder: str, local_data: str) -> Path:
    """Return the folder of a run, made if need be; that of runs by hand where none is named."""
    folder = Path(run_folder) if run_folder else root_of(local_data) / "runs" / "by-hand"
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    return folder


def save_table(
    table: pd.DataFrame, facts: Facts, folder: Path, development: "pd.Index[Any]"
) -> None:
    """Write the clean table, the development rows of it, and the facts."""
    table.to_parquet(folder / "clean.parquet")
    table.loc[development].to_parquet(folder / "development.parquet")
    (folder / "table.json").write_bytes(msgspec.json.format(msgspec.json.encode(facts)))


def read_table(folder: Path, name: str = "clean") -> tuple[pd.DataFrame, Facts]:
    """Return a table that `save_table` wrote, conformed to its signature, and its facts.

    Raises:
        TableError: there is none.
    """
    try:
        facts = msgspec.json.decode((folder / "table.json").read_bytes(), type=Facts)
        table = pd.read_parquet(folder / f"{name}.parquet")
    except FileNotFoundError as error:
        raise TableError(f'There is no table in "{folder}": run 00_data_etl first.') from error
    return conform(table, tuple(facts.signature)), facts


def origin_of(folder: Path, facts: Facts, **known: Any) -> Origin:
    """Return where a version made in this folder comes from; of runs by hand less is known."""
    try:
        run = msgspec.json.decode((folder / "run.json").read_bytes(), type=Run)
    except FileNotFoundError:
        return Origin(data=facts.fingerprint, run=folder.name, **known)
    return Origin(
        data=facts.fingerprint,
        run=run.run,
        pipeline=run.pipeline,
        notebooks=run.notebooks,
        **known,
    )
