"""The clean table of a run and what is known of it, from the first notebook to the next ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ml_pipe.runner.errors import PipelineError, TableError
from ml_pipe.runner.reading.files.packing import fingerprint
from ml_pipe.runner.run.model_name import model_name
from ml_pipe.runner.run.personal import (
    is_personal,
    personal_columns,
    without_quotes,
    without_reasons,
    without_values,
)
from ml_pipe.runner.run.run_folder import current_folder, is_by_hand
from ml_pipe.runner.source.kernel_history import definitions, not_run, own_notebook, ran
from model_store.manifest import Task
from model_store.schema.arrays.array_cells import packed, unpacked
from model_store.schema.conform import conform
from model_store.schema.signature import Signature


@dataclass(frozen=True)
class Prepared:
    """What `prepare` of the first notebook makes of a table."""

    table: pd.DataFrame
    """`(rows, columns)`: the inputs and the target, conformed to the signature."""
    signature: Signature
    target: str
    task: Task
    dropped: dict[str, int]
    """How many rows were dropped, by reason."""
    remarks: list[str]
    """What a reader of the model card should know of the table; sentences."""
    task_reason: str = ""
    """Why it is this task, a sentence that names the other one."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Why a column of the table is not among the inputs, a phrase, by the column's name."""
    notes: list[str] = field(default_factory=list)
    """How the file was read, where it could have been otherwise; sentences."""
    beside: pd.DataFrame | None = None
    """`(rows, columns)`: what the rows are split by and nothing learns from."""
    lags: Sequence[str] = ()
    """The inputs that are earlier values of the target."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run's table; `table.json` beside it."""

    model: str
    task: Task
    target: str
    source: str
    """The name of the table's file."""
    fingerprint: str
    """SHA-256 of that file, or of the parts of that folder."""
    dropped: dict[str, int]
    remarks: list[str]
    signature: Signature
    task_reason: str = ""
    left_out: dict[str, str] = {}
    notes: list[str] = []
    lags: list[str] = []
    """The inputs that are earlier values of the target, the latest first."""
    personal: list[str] = []
    """Those of its columns whose values are shown nowhere."""
    notebook: str = ""
    """By hand: the name of the notebook that made it."""
    cells: dict[str, str] = {}
    """By hand: the SHA-256 of the cell that its kernel ran last, for each name that it defines."""


def save(
    prepared: Prepared, source: Path, *, model: str = "", development_rows: int = 100, seed: int = 7
) -> Path:
    """Keep a prepared table for the next notebooks, which get it from `load`; return the folder.

    Args:
        prepared: what `prepare` returned.
        source: the file that the table is from; its name and fingerprint are published.
        model: the model's name; empty: that of the file.
        development_rows: how many rows the small table has that `load("development")` returns.
        seed: which rows these are.
    """
    folder = current_folder()
    table = prepared.table
    notebook = own_notebook(Path.cwd()) if is_by_hand() else None
    personal = personal_columns()
    _check_lags(prepared, personal)
    facts = Facts(
        model=model or model_name(source),
        task=prepared.task,
        target=prepared.target,
        source=source.name,
        fingerprint=fingerprint(source),
        dropped=prepared.dropped,
        remarks=without_quotes(prepared.remarks, personal),
        signature=without_values(prepared.signature, personal),
        task_reason=prepared.task_reason,
        left_out=without_reasons(prepared.left_out, personal),
        notes=without_quotes(prepared.notes, personal),
        lags=list(prepared.lags),
        personal=[c.name for c in prepared.signature if is_personal(c, personal)],
        notebook=notebook.name if notebook else "",
        cells=definitions(ran()) if notebook else {},
    )
    drawn = np.random.default_rng(seed).permutation(len(table))[:development_rows]
    save_table(table, facts, folder, table.index[np.sort(drawn)])
    (folder / "beside.parquet").unlink(missing_ok=True)
    if prepared.beside is not None:
        prepared.beside.to_parquet(folder / "beside.parquet")
    return folder


def _check_lags(prepared: Prepared, personal: Collection[str]) -> None:
    """See that no earlier value of a personal target is stored under another name.

    Raises:
        TableError: one would be.
    """
    open_ = [name for name in prepared.lags if name not in personal]
    if prepared.target in personal and open_:
        raise TableError(
            f"{prepared.target} is personal by LOG_PERSONAL_FIELDS, and {', '.join(open_)} hold "
            "its earlier values: name them there, too."
        )


def save_table(
    table: pd.DataFrame, facts: Facts, folder: Path, development: "pd.Index[Any]"
) -> None:
    """Write the clean table, the development rows of it, and the facts."""
    kept = packed(table, tuple(facts.signature))
    kept.to_parquet(folder / "clean.parquet")
    kept.loc[development].to_parquet(folder / "development.parquet")
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
    columns = facts.signature.trained
    return conform(unpacked(table, columns), columns), facts


def read_beside(folder: Path, table: pd.DataFrame) -> pd.DataFrame | None:
    """Return what the rows of a table are split by and nothing learns from; None: there is none."""
    path = folder / "beside.parquet"
    return pd.read_parquet(path).loc[table.index] if path.is_file() else None


def check_current(facts: Facts, folder: Path) -> None:
    """Check that a table made by hand was made by what its notebook, in this folder, holds now.

    Raises:
        PipelineError: the notebook was changed after it had made the table, or was not saved.
    """
    notebook = folder / facts.notebook
    if not facts.notebook or not notebook.is_file():
        return
    if names := not_run(notebook, facts.cells):
        raise PipelineError(
            f"{facts.notebook} holds another {', '.join(names)} than made this table: save it, run "
            "all of its cells, then this one again."
        )
