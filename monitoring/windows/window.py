"""The window: the last rows of a version, as numbers."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from monitoring.array_summaries import SUMMARIES
from monitoring.log.reading.texts import LoggedRequest
from monitoring.windows.columns import Numbers, WindowColumn
from monitoring.windows.reader import Cursor, Reading

_decode = msgspec.json.Decoder().decode

# Rows are decoded so many at a time: a decoded row takes ten times what it takes in the window.
_CHUNK_ROWS = 1000

_Rows = list[tuple[dict[str, Any], dict[str, Any]]]


class Window:
    """Keeps the last rows of one version, column by column, in arrays of one fixed size.

    It is a question to the log: `extend` brings it up to date with what a `WindowReader` found
    after `cursor`, so that no row counts twice and a restart finds the same rows again. To be used
    by one thread at a time.
    """

    def __init__(self, columns: Sequence[WindowColumn], size: int) -> None:
        """Make an empty window of `size` rows."""
        self.columns = tuple(columns)
        self.size = size
        self.cursor = Cursor()
        # One more array: how sure the model was.
        self._rings = np.full((len(self.columns) + 1, size), np.nan)
        self._next = 0
        self.rows = 0
        """How many rows it holds."""

    def extend(self, reading: Reading) -> None:
        """Take in what was logged after `cursor`; the oldest rows make room.

        A row of which the log holds no value in clear, or that does not fit the columns, is left
        out.
        """
        if reading.anew:
            self.rows = self._next = 0
        known = 0 if reading.anew else self.cursor.sequence
        # At once, so that no row counts twice if a later one cannot be read.
        self.cursor = reading.cursor
        rows: _Rows = []
        for request in reading.requests:
            if request.sequence > known:
                rows += _pairs(request)
            if len(rows) >= _CHUNK_ROWS:
                self._keep(rows)
                rows = []
        self._keep(rows)

    def values(self, place: int) -> Numbers:
        """Return the numbers, `(rows,)`, of the column at this place, in no order; do not write.

        Infinite is what the log holds as a hash.
        """
        return self._rings[place, : self.rows]

    def confidence(self) -> Numbers:
        """Return the greatest probability of each row, `(rows,)`; NaN where none were asked for."""
        return self._rings[-1, : self.rows]

    def _numbers(self, rows: _Rows) -> Numbers:
        """Return rows as numbers, `(columns + 1, rows)`, without those that have none."""
        try:
            return self._converted(rows)
        except ValueError:
            if len(rows) == 1:
                return np.empty((len(self.columns) + 1, 0))
            # Another version's row has come in by hand: halve until it is found.
            middle = len(rows) // 2
            halves = [self._numbers(rows[:middle]), self._numbers(rows[middle:])]
            return np.concatenate(halves, axis=1)

    def _converted(self, rows: _Rows) -> Numbers:
        inputs, outputs = zip(*rows, strict=True)
        numbers = np.empty((len(self.columns) + 1, len(rows)))
        watched = numbers[:-1]
        # All summaries of an array at once, as it takes longest to read.
        summarised: dict[str, Numbers] = {}
        for place, column in enumerate(self.columns):
            side = inputs if column.side == "input" else outputs
            if not column.summary:
                watched[place] = column.numbers([row.get(column.name) for row in side])
                continue
            if column.source not in summarised:
                values = [row.get(column.source) for row in side]
                summarised[column.source] = column.summarised(values)
            watched[place] = summarised[column.source][SUMMARIES.index(column.summary)]
        numbers[-1] = [_confidence(row.get("probabilities")) for row in outputs]
        hidden = np.isinf(watched).any(axis=0) & ~np.isfinite(watched).any(axis=0)
        return numbers[:, ~hidden]

    def _keep(self, rows: _Rows) -> None:
        if not rows:
            return
        numbers = self._numbers(rows[-self.size :])
        count = numbers.shape[1]
        places = np.arange(self._next, self._next + count) % self.size
        self._rings[:, places] = numbers
        self._next = (self._next + count) % self.size
        self.rows = min(self.size, self.rows + count)


def _pairs(request: LoggedRequest) -> _Rows:
    """Return each row's inputs and outputs."""
    inputs, outputs = _decode(request.inputs), _decode(request.outputs)
    if isinstance(inputs, dict):
        return [(inputs, outputs)]
    return list(zip(inputs, outputs, strict=True))


def _confidence(probabilities: object) -> float:
    # A hash stands in their place where the output is personal.
    return max(probabilities.values()) if isinstance(probabilities, dict) else np.nan
