"""Checks of columns: what each holds, and whether it may be known when the model is asked."""

import re
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_integer_dtype

from model_store.schema.arrays.array_cells import comparable

_NEARLY_ALL = 0.99
_MOST_DATES = 8
_FEWEST_IDS = 50
_AFTERWARDS = re.compile(
    r"(?:^|_)(?:after|afterwards|outcomes?|results?|final|finally|actual|resolved|resolution|settled|"
    r"closed|closing|cancell?ed|cancellation|refunded|returned|payout|discharged?|deceased|died|"
    r"completed|completion)(?:_|$)"
)


def constant_columns(inputs: pd.DataFrame) -> list[str]:
    """Return a warning for columns, `(rows, columns)`, that have one value, or none at all."""
    inputs = comparable(inputs)
    found = [str(name) for name in inputs if len(inputs[name].unique()) <= 1]
    if not found:
        return []
    warning = (
        f"{_columns(found)} the same value in every training row, from which nothing can be "
        f"learnt: -p leave_out={','.join(found)}."
    )
    return [warning]


def numbered_rows(inputs: pd.DataFrame) -> list[str]:
    """Return a warning for each whole number that looks like the number of a row, not an amount."""
    warnings = []
    for name in inputs:
        column = inputs[name].dropna()
        if len(column) < _FEWEST_IDS or not _is_whole(column):
            continue
        spread = float(column.max()) - float(column.min()) + 1
        if column.nunique() == len(column) and (
            spread < len(column) * 2 or _is_named_like_an_id(str(name))
        ):
            warnings.append(
                f'The column "{name}" is a different whole number in every row: an identifier '
                f"knows nothing of new rows. If it is one: -p leave_out={name}."
            )
    return warnings


def known_afterwards(names: Sequence[str], target: str) -> list[str]:
    """Return a warning for columns whose names say that they may be known after the target only."""
    mark = _words(target)
    found = []
    for name in names:
        words = _words(name)
        is_like_target = mark and (words.startswith(f"{mark}_") or words.endswith(f"_{mark}"))
        if is_like_target or _AFTERWARDS.search(words):
            found.append(name)
    if not found:
        return []
    warning = (
        f"By its name, {_quoted(found)} may be known only after {target} is: is it there when the "
        f"model is asked? If not: -p leave_out={','.join(found)}."
    )
    return [warning]


def later_dates(inputs: pd.DataFrame) -> list[str]:
    """Return a warning for dates that lie after other dates of their row, nearly always."""
    names = [name for name in inputs if is_datetime64_any_dtype(inputs[name])][:_MOST_DATES]
    later: dict[str, str] = {}
    for first, second in permutations(names, 2):
        both = inputs[[first, second]].dropna()
        if len(both) < _FEWEST_IDS:
            continue
        is_after = both[second] > both[first]
        if is_after.mean() >= _NEARLY_ALL:
            later.setdefault(str(second), str(first))
    return [
        f'The dates of "{second}" lie after those of "{first}" in nearly every row: a model that '
        f"is asked at the time of the first does not have them. If so: -p leave_out={second}."
        for second, first in later.items()
    ]


def _is_whole(column: "pd.Series[float]") -> bool:
    if is_integer_dtype(column.dtype):
        return True
    if column.dtype.kind != "f":
        return False
    values = column.to_numpy(dtype=float)
    return bool(np.isfinite(values).all() and (values % 1 == 0).all())


def _is_named_like_an_id(name: str) -> bool:
    return bool(re.search(r"(?:^|_)(?:id|nr|no|number|index|key|code|uuid)(?:_|$)", _words(name)))


def _words(name: str) -> str:
    """Return a name in small letters, its words set apart by one `_` each."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[\W_]+", "_", apart).strip("_").lower()


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _columns(names: Sequence[str]) -> str:
    one = len(names) == 1
    return f"The column{'' if one else 's'} {_quoted(names)} {'has' if one else 'have'}"
