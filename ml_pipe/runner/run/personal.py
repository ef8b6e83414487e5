"""Personal columns (`LOG_PERSONAL_FIELDS`): no value of them is shown, or published with a model.

A personal text or category would stand in the model itself, word by word: it is refused.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.run.outputs import HIDDEN
from ml_pipe.runner.run.run_folder import run_context
from model_store.schema.signature import Column, Kind, Signature

_TEXTS = frozenset({Kind.CATEGORY, Kind.STRING})
_STEPS = 11


def personal_columns() -> frozenset[str]:
    """Return the names of the columns that are personal in this run."""
    return frozenset(run_context().personal_fields)


def is_personal(column: Column, personal: Collection[str]) -> bool:
    """Return whether a column is personal, by its name or by the table's header for it."""
    return column.name in personal or (bool(column.header) and column.header in personal)


def without_values(signature: Signature, personal: Collection[str]) -> Signature:
    """Return a signature without the ranges of personal columns.

    Raises:
        TableError: an input is a personal text or category.
    """
    texts = [c.name for c in signature.inputs if c.kind in _TEXTS and is_personal(c, personal)]
    if texts:
        names = ", ".join(texts)
        raise TableError(
            f"{names}: personal by LOG_PERSONAL_FIELDS, and a text. Its values would stand in the "
            "model and in its signature, which callers read: leave the column out "
            f"(-p leave_out={','.join(texts)}), or put numbers or groups that name nobody in its "
            "place, under another name."
        )

    def hidden(column: Column) -> Column:
        if not is_personal(column, personal):
            return column
        return msgspec.structs.replace(column, minimum=None, maximum=None)

    return msgspec.structs.replace(
        signature,
        inputs=tuple(map(hidden, signature.inputs)),
        outputs=tuple(map(hidden, signature.outputs)),
    )


def made_up(
    frame: pd.DataFrame, signature: Signature, personal: Collection[str], seed: int
) -> pd.DataFrame:
    """Return a table whose personal columns hold made-up values, of the same kinds and sizes.

    They are drawn from a few evenly spaced values: no row keeps its own.
    """
    random = np.random.default_rng(seed)
    changed = {
        column.name: _drawn(frame[column.name], column, random)
        for column in signature.inputs
        if is_personal(column, personal)
    }
    return frame.assign(**changed) if changed else frame


def without_quotes(sentences: Iterable[str], personal: Collection[str]) -> list[str]:
    """Return sentences on a table; of those on a personal column, only that there was one."""
    # `name: what was read`; whatever mentions the column may quote a value.
    return [
        f"{found[0]}: {HIDDEN}."
        if (found := [name for name in sorted(personal) if name in sentence])
        else sentence
        for sentence in sentences
    ]


def without_reasons(left_out: Mapping[str, str], personal: Collection[str]) -> dict[str, str]:
    """Return why columns were left out; a reason that quotes a personal value is not shown."""
    return {
        name: f"its reason {HIDDEN}" if name in personal and '"' in reason else reason
        for name, reason in left_out.items()
    }


def _drawn(values: Any, column: Column, random: np.random.Generator) -> Any:
    """Return a series of the same type, with gaps where it has some."""
    present = values.dropna()
    if present.empty:
        return values
    if column.kind is Kind.ARRAY:
        return _drawn_arrays(values, column, random)
    steps = _STEPS_OF[column.kind](present)
    drawn = pd.Series(np.asarray(steps)[random.integers(len(steps), size=len(values))])
    return drawn.set_axis(values.index).astype(values.dtype).where(values.notna())


def _drawn_arrays(values: Any, column: Column, random: np.random.Generator) -> Any:
    """Return arrays of the same shape and type, each of one number throughout."""
    numbers = np.arange(_STEPS) % 2 if column.dtype == "bool" else np.arange(_STEPS)
    drawn = np.empty(len(values), object)
    for place, is_given in enumerate(values.notna()):
        if is_given:
            number = numbers[random.integers(_STEPS)]
            drawn[place] = np.full(column.shape, number).astype(column.dtype)
    return pd.Series(drawn, index=values.index, dtype=object)


def _days(present: Any) -> Any:
    years = present.dt.year
    return pd.date_range(f"{years.min()}-01-01", f"{years.max()}-01-01", freq="YS")


def _numbers(present: Any) -> Any:
    low, high = (float(f"{end:.1g}") for end in present.astype("float64").quantile([0.1, 0.9]))
    return np.linspace(low, high if high > low else low + 1, _STEPS)


_STEPS_OF: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: lambda _: [False, True],
    Kind.DATETIME: _days,
    Kind.INTEGER: lambda present: _numbers(present).round(),
    Kind.NUMBER: _numbers,
}
