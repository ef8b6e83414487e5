"""What the last version of a model expects of a table: its columns, their kinds and values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_integer_dtype

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.run.model_name import model_name
from ml_pipe.runner.table.target_names import target_text, targets_of
from model_store.errors import NotFoundError, SignatureError
from model_store.file_store import FileModelStore
from model_store.schema.arrays.array_cells import holds_arrays
from model_store.schema.columns import dtype_of
from model_store.schema.conform import conform
from model_store.schema.signature import Column, Kind, Signature
from model_store.store import LoadPolicy


def last_signature(local_data: Path, model: str, target: str, task: str) -> Signature | None:
    """Return the signature of a model's last version, None where there is none for this purpose.

    A version that predicts another column, or by another task than the wanted one, expects nothing.

    Raises:
        InvalidNameError: no model can have this name.
    """
    store = FileModelStore(local_data / "models", LoadPolicy())
    try:
        last = store.manifest(model, store.versions(model)[-1])
    except (NotFoundError, IndexError):
        return None
    is_alike = _targets(last.signature, target) and task in {"", last.task}
    return last.signature if is_alike else None


def expected_signature(
    local_data: Path, model: str, source: Path, parameters: Mapping[str, Any]
) -> Signature | None:
    """Return what a run expects of its table: the signature of its model's last version.

    None where there is none, where the columns changed on purpose, or where the task did.

    Raises:
        InvalidNameError: no model can have this name.
        TableError: the model predicts another column: it would be replaced by one of its name.
    """
    if not parameters["same_columns"]:
        return None
    target = str(parameters["target"]).strip()
    store = FileModelStore(local_data / "models", LoadPolicy())
    try:
        last = store.manifest(model, store.versions(model)[-1])
    except (NotFoundError, IndexError):
        return None
    before = target_text([column.name for column in last.signature.targets])
    if not _targets(last.signature, target):
        other = model_name(Path(f"{model}-{target}"))
        made_of = f", trained on {last.origin.source}," if last.origin.source else ""
        raise TableError(
            f'The model "{model}"{made_of} predicts "{before}", and {source.name} is to predict '
            f'"{target}". Give the new one a name of its own, NAME={other} (-p model={other}), or '
            f"replace {model} on purpose: -p same_columns=false."
        )
    return last.signature if parameters["task"] in {"", last.task} else None


def _targets(signature: Signature, target: str) -> bool:
    """Return whether a signature answers this target, or these."""
    names = [column.name for column in signature.targets]
    return targets_of(target, names) == names


def align(table: pd.DataFrame, expected: Signature) -> pd.DataFrame:
    """Return a table whose columns are read as an earlier signature reads them, where possible."""
    types: dict[Kind, Any] = {
        Kind.NUMBER: "float64",
        Kind.STRING: object,
        Kind.CATEGORY: "category",
    }
    from_kinds = {Kind.NUMBER: is_integer_dtype, Kind.STRING: _is_category, Kind.CATEGORY: _is_text}
    present = {str(name) for name in table.columns}
    changed = {
        column.name: types[column.kind]
        for column in expected.trained
        if column.name in present
        and column.kind in types
        and from_kinds[column.kind](table[column.name])
    }
    arrays = {
        column.name: _cast(table[column.name], column)
        for column in expected
        if column.kind is Kind.ARRAY and column.name in present
    }
    return table.astype(changed).assign(**arrays)


def _cast(series: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    """Return arrays in the type of their column, where they fit into it; else as they are."""
    if not holds_arrays(series):
        return series
    try:
        cast = conform(
            series.dropna().to_frame(), [msgspec.structs.replace(column, nullable=False)]
        )
    except SignatureError:
        return series
    return cast[column.name].reindex(series.index).where(series.notna(), None)


def compare(table: pd.DataFrame, expected: Signature, model: str = "") -> list[str]:
    """Return remarks on a table, `(rows, columns)` and conformed, that an earlier signature causes.

    Raises:
        TableError: the table has other columns, or columns of another kind.
    """
    if changed := _failures(table, expected, values=False):
        raise TableError(
            "The table does not fit the last version of the model: it has lost, gained or "
            f"changed the kind of {', '.join(sorted(changed))}. Mend the table, add "
            f"`-p same_columns=false` to replace {model or 'the model'} on purpose, or, if it is "
            f"another table, give its model a name of its own: NAME={model or 'model'}-2 "
            f"(`-p model={model or 'model'}-2`)."
        )
    return [
        f"{name}: values that the last version did not see, in {rows} rows"
        for name, rows in _failures(table, expected, values=True).items()
    ]


def _failures(table: pd.DataFrame, expected: Signature, *, values: bool) -> dict[str, int]:
    """Return how many values of each column pandera refuses: for their kind, or for what they are.

    A column that is missing, or one too many, counts as well.
    """
    import pandera.pandas as pa  # noqa: PLC0415 - only runs that have a predecessor pay for it

    columns = {c.name: _column(table, c, values=values) for c in expected.trained}
    try:
        pa.DataFrameSchema(columns, strict=True).validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        is_column = cases["column"].isin(table.columns)
        named = cases["column"].where(is_column, cases["failure_case"])
        return {str(k): int(n) for k, n in named.value_counts(sort=False).items()}
    return {}


def _column(table: pd.DataFrame, column: Column, *, values: bool) -> Any:
    import pandera.pandas as pa  # noqa: PLC0415 - see `_failures`

    has_gaps = column.name in table.columns and bool(table[column.name].isna().any())
    seen = msgspec.structs.replace(column, nullable=has_gaps)
    if column.kind is Kind.ARRAY:
        # `conform` has held its shape and type against the signature.
        return pa.Column(object, _array_checks(column, values=values), nullable=True)
    checks = {
        Kind.INTEGER: [pa.Check(lambda series: series % 1 == 0, error="whole numbers")],
        Kind.BOOLEAN: [pa.Check.isin([0, 1])],
    }.get(column.kind, [])
    if values:
        checks = _value_checks(column)
    return pa.Column(str(dtype_of(seen)), checks, nullable=column.nullable or not values)


def _value_checks(column: Column) -> list[Any]:
    import pandera.pandas as pa  # noqa: PLC0415 - see `_failures`

    if column.categories:
        return [pa.Check.isin(column.categories)]
    if column.minimum is None:
        return []
    ends: list[Any] = [column.minimum, column.maximum]
    if column.kind is Kind.DATETIME:
        ends = [pd.Timestamp(str(end)).tz_localize(None) for end in ends]
    return [pa.Check.in_range(*ends)]


def _array_checks(column: Column, *, values: bool) -> list[Any]:
    import pandera.pandas as pa  # noqa: PLC0415 - see `_failures`

    def is_alike(cell: Any) -> bool:
        if not isinstance(cell, np.ndarray):
            return False
        if not values:
            return (cell.shape, cell.dtype) == (column.shape, column.dtype)
        if column.minimum is None or column.maximum is None:
            return True
        return bool(cell.min() >= float(column.minimum) and cell.max() <= float(column.maximum))

    return [pa.Check(is_alike, element_wise=True, ignore_na=True, error="arrays like those before")]


def _is_category(series: "pd.Series[Any]") -> bool:
    return isinstance(series.dtype, pd.CategoricalDtype)


def _is_text(series: "pd.Series[Any]") -> bool:
    return infer_dtype(series, skipna=True) == "string"
