"""`load`: the first of the three calls between what you write in a notebook and the machinery."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from msgspec import structs

from ml_pipe.runner.run.run_folder import current_folder, is_by_hand
from ml_pipe.runner.source.export import PACKAGE, refresh_modules, reload_modules
from ml_pipe.runner.source.kernel_history import definitions, note_unsaved, shell
from ml_pipe.runner.source.notebook_file import exported_cells
from ml_pipe.runner.table.prepared_table import Facts, check_current, read_beside, read_table
from model_store.manifest import Task
from model_store.schema.signature import Column, Interval


@dataclass(frozen=True)
class RunData:
    """What a run works on."""

    table: pd.DataFrame
    """`(rows, columns)`: the inputs and the target, clean, with the types that requests have."""
    facts: Facts
    """What is known of it: signature, source, dropped rows, remarks."""
    folder: Path
    """Where the run keeps its files and figures."""
    beside: pd.DataFrame | None = None
    """`(rows, columns)`: what the rows are split by and the model does not learn from."""
    exports: dict[Path, dict[str, str]] = field(default_factory=dict)
    """By hand: what each notebook defined at the time of loading, as `exports_now` returns it."""

    @property
    def task(self) -> Task:
        """Return what the model is for: `"classification"` or `"regression"`."""
        return self.facts.task

    @property
    def target(self) -> Any:
        """Return the name of the column to predict; of several, the list of their names.

        Either way `table[target]` is what a model is fitted to.
        """
        return self.targets[0] if len(self.targets) == 1 else self.targets

    @property
    def targets(self) -> list[str]:
        """Return the names of all columns to predict, mostly of one."""
        return [column.name for column in self.facts.signature.targets]

    @property
    def interval(self) -> Interval | None:
        """Return the interval that is answered beside the target; None: there is none."""
        return self.facts.signature.interval

    def of_one(self, target: str) -> "RunData":
        """Return the same run with one of its targets alone."""
        outputs = tuple(c for c in self.facts.signature.targets if c.name == target)
        signature = structs.replace(self.facts.signature, outputs=outputs, interval=None)
        facts = structs.replace(self.facts, target=target, signature=signature)
        others = [name for name in self.targets if name != target]
        return replace(self, table=self.table.drop(columns=others), facts=facts)

    @property
    def inputs(self) -> Sequence[Column]:
        """Return the columns to predict from: name, kind, nullable, categories, range."""
        return self.facts.signature.inputs

    @property
    def names(self) -> list[str]:
        """Return the names of these columns, in order."""
        return [column.name for column in self.inputs]


def load(rows: Literal["clean", "development"] = "clean") -> RunData:
    """Return the table that 00_data_etl left for this run.

    By hand, it also makes sure that this kernel uses what the notebooks hold now: it exports them,
    reloads their modules, and rebinds what was imported from these. In a run of `mlops train`,
    which exported them before, it only reads.

    Args:
        rows: `"clean"` for all rows, `"development"` for a small set to try things with.

    Raises:
        TableError: 00_data_etl did not run yet.
        PipelineError: a notebook cannot be exported, or was changed after it made the table.
    """
    by_hand = is_by_hand()
    if by_hand:
        _renew()
    folder = current_folder()
    table, facts = read_table(folder, rows)
    if by_hand:
        check_current(facts, Path.cwd())
        note_unsaved(Path.cwd())
    exports = exports_now() if by_hand else {}
    return RunData(table, facts, folder, read_beside(folder, table), exports)


def exports_now() -> dict[Path, dict[str, str]]:
    """Return what each notebook defines, in this folder and in ours: name and hash of its cell."""
    notebooks = [p for folder in {Path.cwd(), PACKAGE} for p in folder.glob("[0-9][0-9]_*.ipynb")]
    return {path: definitions(exported_cells(path)) for path in notebooks}


def _renew() -> None:
    """Let this kernel use what the notebooks hold now."""
    if changed := refresh_modules():
        print(f"Exported what the notebooks hold now: {', '.join(changed)}.")  # noqa: T201 - as a cell prints
    kernel = shell()
    reload_modules(kernel.user_ns if kernel else {})
