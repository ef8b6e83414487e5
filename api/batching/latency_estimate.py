"""Estimates how long batches of one model take, from past batches."""

MANY_ROWS = 64
"""Below it a batch costs what a call costs; from here on its rows are what takes time."""
_WEIGHT = 0.125


class LatencyEstimate:
    """A moving average of a batch's time, and of a row's time in batches of many rows."""

    def __init__(self) -> None:
        self._batch_seconds: float | None = None
        self._row_seconds: float | None = None

    def note(self, rows: int, seconds: float) -> None:
        """Update the estimate with a batch."""
        if rows < MANY_ROWS:
            self._batch_seconds = _moved(self._batch_seconds, seconds)
        else:
            self._row_seconds = _moved(self._row_seconds, seconds / rows)

    def rows_within(self, seconds: float) -> int:
        """Return the number of rows that can be answered in that time; 0 if unknown."""
        is_short = self._batch_seconds is not None and self._batch_seconds <= seconds
        few = MANY_ROWS - 1 if is_short else 0
        return few if self._row_seconds is None else max(few, int(seconds / self._row_seconds))


def _moved(average: float | None, value: float) -> float:
    # One that took long (a page fault, a full pipe) does not change what is to be expected.
    return value if average is None else average + (value - average) * _WEIGHT
