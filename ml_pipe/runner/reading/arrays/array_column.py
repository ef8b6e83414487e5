"""A column whose cells are arrays: lists, as typed files hold them, or texts of JSON lists."""

import json
from typing import Any

import pandas as pd

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.columns.reading import Reading
from ml_pipe.runner.reading.columns.text_cells import has_texts
from model_store.schema.arrays.array_cells import holds_arrays, read_cells, to_cells


def read_array_column(series: "pd.Series[Any]", *, as_written: bool) -> Reading | None:
    """Return a column of arrays as one, each cell an array or None; None: it holds none.

    Args:
        series: of a raw table.
        as_written: whether it holds the text of each cell as it was written.

    Raises:
        SignatureError: its arrays are of several shapes, or not of numbers alone.
        TableError: a text begins like a list, as the others do, and is none.
    """
    if as_written and has_texts(series):
        lists = _lists(series)
        if lists is None:
            return None
        series = lists
    elif not holds_arrays(series):
        return None
    array, missing = read_cells(series)
    cells = pd.Series([None] * len(series), index=series.index, dtype=object, name=series.name)
    cells[~missing] = to_cells(array)
    return Reading(cells, notes=[f"arrays of {by(array.shape[1:])} numbers, {array.dtype.name}"])


def by(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it: 28x28."""
    return "x".join(map(str, shape))


def _lists(series: "pd.Series[Any]") -> "pd.Series[Any] | None":
    """Return texts such as `[0.5, 1.25]` as lists; None: they are texts like others."""
    texts = series.astype(object).where(series.notna(), None)
    texts = texts.where(texts.map(lambda text: bool(text and text.strip())), None)
    present = texts.dropna()
    if present.empty or not present.map(lambda text: text.lstrip().startswith("[")).all():
        return None
    lists = [None if text is None else _list(text) for text in texts]
    found = [each for each in lists if isinstance(each, list)]
    if not found:
        # Texts in brackets, as of a log: `[error] disk full`.
        return None
    if len(found) < len(present):
        row = next(n for n, each in enumerate(lists, 1) if each == "")
        raise TableError(
            f'The column "{series.name}" holds lists of numbers, and in row {row} a text that is '
            "none: mend the cell, leave the column out (leave_out=), or say "
            f"read_as={series.name}:text. NumPy shortens long arrays by dots where it prints them: "
            "write array.tolist()."
        )
    return pd.Series(lists, index=series.index, dtype=object, name=series.name)


def _list(text: str) -> list[Any] | str:
    """Return the list that a text is; an empty text: it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return found if isinstance(found, list) else ""
