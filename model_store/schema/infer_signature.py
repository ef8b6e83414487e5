"""A signature from the tables that a model is trained on."""

import re
from typing import Any

import numpy as np
import pandas as pd
from msgspec.structs import replace

from model_store.errors import SignatureError
from model_store.names import has_control
from model_store.schema.columns import json_values
from model_store.schema.prediction import PROBABILITIES
from model_store.schema.signature import Column, Kind, Signature
from model_store.schema.table_columns import observe
from model_store.schema.texts import normalised

# A key of JSON that needs no escape, so that a request can be read without undoing any.
_NO_NAME = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')


def infer_signature(inputs: pd.DataFrame, outputs: pd.DataFrame) -> Signature:
    """Return the signature of a model that is trained on these tables, `(rows, columns)` each.

    A column is nullable where training saw it missing. Categories and ranges are those seen. A
    time without a zone is taken for UTC; fractions of a microsecond are dropped.

    Raises:
        SignatureError: a column cannot be served; the sentence names it and says what to do.
    """
    signature = Signature(inputs=_infer(inputs, "inputs"), outputs=_infer(outputs, "outputs"))
    for column in signature.outputs:
        if column.name == PROBABILITIES:
            raise SignatureError(
                f'An output cannot be named "{PROBABILITIES}", which answers use themselves: '
                "rename the column."
            )
        if column.nullable:
            raise SignatureError(
                f'The output "{column.name}" has missing values: leave out the rows without it.'
            )
    return signature


def _is_no_name(name: str) -> bool:
    # A decoder of requests knows no such field; and see `model_store.checks.manifest_check`.
    return _NO_NAME.search(name) is not None or has_control(name)


def _infer(frame: pd.DataFrame, what: str) -> tuple[Column, ...]:
    if frame.empty:
        raise SignatureError(f"The table of {what} is empty: give at least one row and column.")
    names = list(frame.columns)
    for name in names:
        if not isinstance(name, str) or not name or _is_no_name(name):
            raise SignatureError(
                f"The table of {what} has a column without a proper name, {name!r}: name every "
                "column with some text, without double quotes, backslashes and control characters."
            )
    for name in names:
        if names.count(name) > 1:
            raise SignatureError(
                f'The table of {what} has several columns named "{name}": rename all but one.'
            )
    return tuple(_infer_column(frame[name]) for name in names)


def _infer_column(series: "pd.Series[Any]") -> Column:
    name = str(series.name)
    kind, values, missing = observe(series)
    if kind is None:
        raise SignatureError(f'The column "{name}" has no value at all: leave it out.')
    nullable = bool(missing.any())
    if kind is Kind.ARRAY:
        return Column(
            name=name,
            kind=kind,
            nullable=nullable,
            dtype=values.dtype.name,
            shape=values.shape[1:],
            minimum=float(values.min()),
            maximum=float(values.max()),
        )
    column = Column(name=name, kind=kind, nullable=nullable)
    if kind is Kind.CATEGORY:
        return replace(column, categories=_seen(series, values))
    if kind in {Kind.STRING, Kind.BOOLEAN}:
        return column
    ends = json_values(np.array([values.min(), values.max()]), column)
    if kind is not Kind.DATETIME:
        ends = [float(end) for end in ends]
    return replace(column, minimum=ends[0], maximum=ends[1])


def _seen(series: "pd.Series[Any]", values: np.ndarray) -> tuple[str, ...]:
    """Return the categories that occur, in the table's own order where it has one."""
    seen = set(values.tolist())
    if isinstance(series.dtype, pd.CategoricalDtype):
        # Two spellings of one text are one category.
        names = dict.fromkeys(normalised(name) for name in series.dtype.categories)
        return tuple(name for name in names if name in seen)
    return tuple(sorted(seen))
