"""`arrays=pixel:28x28`: columns of numbers that are one array, joined; or an array of lists shaped.

Such are `pixel0` to `pixel783` of a picture, and `emb_0` to `emb_383` of an embedding.
"""

import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.arrays.array_column import by
from ml_pipe.runner.reading.columns.reading import Reading
from model_store.schema.arrays.array_cells import holds_arrays, read_cells, to_cells
from model_store.schema.signature import ARRAY_DTYPES, MOST_NUMBERS

_ENTRY = re.compile(r"(?P<name>.+?):(?P<shape>\d+(?:x\d+)*)(?::(?P<dtype>\w+))?")


class Joined(NamedTuple):
    """An array that the user asked for."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """As numpy names it; empty: that of the column or columns."""

    def of(self, names: Sequence[str]) -> list[str]:
        """Return the columns that it is joined of, in the order of their numbers.

        Raises:
            TableError: they are not as many as the shape says.
        """
        if self.name in names:
            return [self.name]
        own = re.compile(re.escape(self.name) + r"[ _.\-]?(\d+)")
        found = {name: int(m[1]) for name in names if (m := own.fullmatch(name))}
        if len(found) != prod(self.shape) or len(set(found.values())) < len(found):
            raise TableError(
                f"arrays={self.name}:{by(self.shape)} asks for {prod(self.shape)} columns named "
                f"{self.name} and a number, as in {self.name}0, or for a column {self.name} of "
                f"lists: the table has {len(found)} such columns."
            )
        return sorted(found, key=found.__getitem__)


def read_joined(entries: Sequence[str]) -> list[Joined]:
    """Return the arrays that a user asked for, each `name:28x28` or `name:28x28:uint8`.

    Raises:
        TableError: an entry is not understood.
    """
    found = []
    for entry in entries:
        parts = _ENTRY.fullmatch(entry.strip())
        shape = tuple(map(int, parts["shape"].split("x"))) if parts else ()
        dtype = (parts and parts["dtype"]) or ""
        if (
            parts is None
            or not 1 <= prod(shape) <= MOST_NUMBERS
            or dtype not in {"", *ARRAY_DTYPES}
        ):
            raise TableError(
                f'arrays="{entry}" is not understood: write a name and a shape of at most '
                f"{MOST_NUMBERS:,} numbers, as in pixel:28x28, and a type if you like, as in "
                f"pixel:28x28:uint8 ({', '.join(ARRAY_DTYPES)})."
            )
        found.append(Joined(parts["name"], shape, dtype))
    return found


def joined(
    readings: Mapping[str, Reading], asked: Sequence[Joined], targets: Sequence[str] = ()
) -> dict[str, Reading]:
    """Return columns with the asked arrays in the places of what they are made of.

    Raises:
        TableError: a column is missing, is no number, or does not fit; or a target is an array.
    """
    result = dict(readings)
    for each in asked:
        names = each.of(list(result))
        shown = f"arrays of {by(each.shape)} numbers"
        if names == [each.name]:
            made = Reading(_shaped(result[each.name].series, each), notes=[shown])
        else:
            cells = _side_by_side([result[name].series for name in names], each)
            shown += f", joined of {names[0]} to {names[-1]}"
            made = Reading(cells, notes=[f'{shown}: requests send them as one list, "{each.name}"'])
        first = names[0]
        result = {
            (each.name if name == first else name): (made if name == first else reading)
            for name, reading in result.items()
            if name == first or name not in names
        }
    for name in targets:
        if name not in result or holds_arrays(result[name].series):
            raise TableError(
                f'The target "{name}" is an array, or a part of one: predict a label or a number.'
            )
    return result


def _side_by_side(columns: "Sequence[pd.Series[Any]]", asked: Joined) -> "pd.Series[Any]":
    parts = []
    for column in columns:
        kind = getattr(column.dtype, "kind", "O")
        if kind not in "biuf" or column.isna().any():
            raise TableError(
                f'The column "{column.name}" of arrays={asked.name} holds a value that is missing '
                "or no number: an array has neither. Mend it, or leave its row out."
            )
        parts.append(column.to_numpy())
    return _as_cells(np.column_stack(parts), asked, columns[0])


def _shaped(series: "pd.Series[Any]", asked: Joined) -> "pd.Series[Any]":
    if not holds_arrays(series):
        raise TableError(f'arrays={asked.name}: the column "{asked.name}" holds no lists.')
    array, missing = read_cells(series)
    if prod(array.shape[1:]) != prod(asked.shape):
        raise TableError(
            f'The column "{asked.name}" holds arrays of {by(array.shape[1:])} numbers, which are '
            f"not {by(asked.shape)}."
        )
    if missing.any():
        shaped = _as_cells(array, asked, series[~missing])
        return shaped.reindex(series.index).astype(object).where(~missing, None)
    return _as_cells(array, asked, series)


def _as_cells(array: np.ndarray, asked: Joined, like: "pd.Series[Any]") -> "pd.Series[Any]":
    if asked.dtype:
        with np.errstate(over="ignore", invalid="ignore"):
            converted = array.astype(asked.dtype)
        is_float = converted.dtype.kind == "f"
        if not (np.isfinite(converted).all() if is_float else (converted == array).all()):
            raise TableError(
                f"arrays={asked.name}: its numbers are no {asked.dtype}, from {array.min():g} to "
                f"{array.max():g}."
            )
        array = converted
    cells = to_cells(array.reshape(len(array), *asked.shape))
    return pd.Series(cells, index=like.index, dtype=object, name=asked.name)
