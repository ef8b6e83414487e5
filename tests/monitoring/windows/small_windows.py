"""Windows of a few rows, as the log would give them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monitoring.log.database.views import ViewColumn
from monitoring.log.reading.texts import LoggedRequest
from monitoring.statistics import profile
from monitoring.windows.columns import WindowColumn, window_columns
from monitoring.windows.reader import Cursor, Reading
from monitoring.windows.window import Window

DTYPES = {"integer": "int64", "number": "float64", "datetime": "datetime64[us]"}


def columns_of(
    kinds: Mapping[str, str], training: Mapping[str, Any], **options: Any
) -> tuple[WindowColumn, ...]:
    """Return input columns, but `y` is an output, with the reference of the training values."""
    arrays = {
        name: np.array(values, DTYPES.get(kinds[name], "object"))
        for name, values in training.items()
    }
    profiles = json.loads(json.dumps(profile(arrays, kinds)))
    known = [
        ViewColumn(name, kind, "output" if name == "y" else "input") for name, kind in kinds.items()
    ]
    return window_columns(known, profiles, **options)


def reading(rows: Sequence[Mapping[str, Any]], *, sequence: int = 1, anew: bool = True) -> Reading:
    """Return one logged request of rows; `y` and `probabilities` are the answer's."""
    sides: tuple[list[Any], list[Any]] = ([], [])
    for row in rows:
        for answers in (False, True):
            own = {k: v for k, v in row.items() if (k in {"y", "probabilities"}) is answers}
            sides[answers].append(own)
    inputs, outputs = map(json.dumps, sides)
    return Reading(Cursor("log", sequence), [LoggedRequest(sequence, inputs, outputs)], anew)


def window_of(columns: Sequence[WindowColumn], **values: Any) -> Window:
    """Return a window that holds these values, a list of JSON values a column."""
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    window = Window(columns, max(len(rows), 1))
    window.extend(reading(rows))
    return window
