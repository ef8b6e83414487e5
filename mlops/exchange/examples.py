"""The examples of an import: a table with true values, read as the first notebook reads one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from msgspec.structs import replace
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ml_pipe.data_etl import reason_for, signature_of, task_of
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.raw_table import RawTable, as_raw
from ml_pipe.runner.reading.read_table import read_table
from ml_pipe.runner.reading.recognise import recognise
from ml_pipe.runner.run.personal import without_values
from mlops.exchange.wants import Examples, Wants
from model_store.manifest import Task
from model_store.schema.conform import conform
from model_store.schema.signature import Column, Kind, Signature

_FEWEST = 10
"""With fewer rows nothing is known of a model."""
_MOST_SHOWN = 8


def read_examples(  # noqa: PLR0913 - a table, and what is known of it
    path: Path,
    target: str,
    wants: Wants,
    options: ReadingOptions,
    *,
    task: str = "",
    personal: Sequence[str] = (),
) -> Examples:
    """Return the rows of a table that have a true value, with their signature.

    Raises:
        TableError: it cannot be read, or does not have the columns that the model takes.
        SignatureError: a column cannot be served.
    """
    raw = read_table(path, options)
    return examples_of(raw, target, wants, options, task=task, personal=personal)


def examples_of(  # noqa: PLR0913 - a table, and what is known of it
    table: RawTable | pd.DataFrame,
    target: str,
    wants: Wants,
    options: ReadingOptions,
    *,
    task: str = "",
    personal: Sequence[str] = (),
) -> Examples:
    """Return the rows of a table that was read, or made, as `read_examples` does."""
    raw = as_raw(table)
    there = [str(name) for name in raw.frame.columns]
    if target not in there:
        if {name.strip() for name in target.split(",")} <= set(there):
            raise TableError(
                f'"{target}" are several targets, and a model from elsewhere is imported with one: '
                "import it once for each, with --output where it is a graph."
            )
        raise TableError(
            f'The examples have no column "{target}" with the true values: they have '
            f"{_listed(there)}."
        )
    names = _inputs(there, target, wants, options)
    others = [name for name in there if name not in names and name != target]
    found = recognise(raw, target, replace(options, keep=tuple(names), leave_out=tuple(others)))
    whole = found.table[[*names, target]]
    kept = whole.dropna(subset=[target])
    dropped = {"without a true value": len(whole) - len(kept)}
    kept, gaps = _without_gaps(kept, wants)
    dropped |= {f"without {name}": count for name, count in gaps.items()}
    if len(kept) < _FEWEST:
        raise TableError(
            f"{len(kept)} examples have a true value and all that the model needs, and at least "
            f"{_FEWEST} are needed to know anything of it."
        )
    kept = kept.reset_index(drop=True)
    _check_classes(kept[target], wants)
    decided = task_of(kept[target], task or wants.task or "")
    signature = found.described(_signature(kept, target, decided, wants), target)
    signature = without_values(signature, personal)
    return Examples(
        inputs=conform(kept, signature.inputs),
        truth=conform(kept, signature.outputs)[target],
        signature=signature,
        task=decided,
        task_reason=reason_for(kept[target], decided, task or wants.task or ""),
        left_out={
            name: "the model does not take it" for name in found.left_out if name not in names
        },
        notes=found.notes,
        dropped=dropped,
    )


def _inputs(there: Sequence[str], target: str, wants: Wants, options: ReadingOptions) -> list[str]:
    """Return the columns that the model takes, in its order."""
    if wants.names:
        if missing := [name for name in wants.names if name not in there]:
            raise TableError(
                f"The model takes columns that the examples do not have: {_listed(missing)}. They "
                f"have {_listed(there)}: name them as the model does."
            )
        if target in wants.names:
            raise TableError(
                f'The model takes "{target}" as an input, so that it cannot be what it predicts.'
            )
        return list(wants.names)
    names = [name for name in there if name != target and name not in options.leave_out]
    if wants.width not in {None, len(names)} and not (wants.may_be_array and len(names) == 1):
        raise TableError(
            f"The model takes {wants.width} columns and names none of them, and the examples have "
            f"{len(names)} beside the target: {_listed(names)}. Give them in the model's order, "
            "and leave the others out with -p leave_out=NAME,NAME."
        )
    return names


def _without_gaps(table: pd.DataFrame, wants: Wants) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows without gaps in columns of which the model takes none, and what is gone."""
    gaps: dict[str, int] = {}
    for name in table.columns[:-1]:
        is_text = not is_numeric_dtype(table[name]) and not is_bool_dtype(table[name])
        kind = wants.kinds.get(str(name), Kind.STRING if is_text else Kind.NUMBER)
        missing = table[name].isna()
        if kind in wants.has_no_gaps and missing.any():
            gaps[str(name)] = int(missing.sum())
            table = table[~missing]
    return table, gaps


def _signature(table: pd.DataFrame, target: str, task: Task, wants: Wants) -> Signature:
    signature = signature_of(table, target, task)
    inputs = tuple(_as_wanted(column, wants) for column in signature.inputs)
    (output,) = signature.outputs
    if output.kind is Kind.CATEGORY and wants.classes:
        output = replace(output, categories=tuple(map(str, wants.classes)))
    return replace(signature, inputs=inputs, outputs=(output,))


def _as_wanted(column: Column, wants: Wants) -> Column:
    """Return a column as the model takes it: the examples may happen to hold whole numbers."""
    if column.kind is Kind.ARRAY:
        return column
    kind = Kind.NUMBER if wants.all_numbers else wants.kinds.get(column.name, column.kind)
    if {kind, column.kind} == {Kind.INTEGER, Kind.NUMBER} and kind is Kind.NUMBER:
        return replace(column, kind=Kind.NUMBER)
    return column


def _check_classes(truth: "pd.Series[Any]", wants: Wants) -> None:
    """See that every true label is one that the model can answer."""
    if wants.task != "classification" or not wants.classes:
        return
    known = {_plain(label) for label in wants.classes}
    if unknown := sorted({str(label) for label in truth if _plain(label) not in known}):
        raise TableError(
            f'The column "{truth.name}" holds {_listed(unknown)}, and the model answers '
            f"{_listed([str(label) for label in wants.classes])}: write the true values as the "
            f"model does, or leave these rows out{wants.naming}."
        )


def _plain(label: Any) -> Any:
    """Return a label as it can be compared: a number whatever its type, else its text."""
    is_number = isinstance(label, int | float) or hasattr(label, "dtype")
    return float(label) if is_number and not isinstance(label, str) else label


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return f"{', '.join(names[:_MOST_SHOWN])}{more}"
