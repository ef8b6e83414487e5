"""Counts rows with a value outside the training data. They are answered all the same."""

from collections.abc import Mapping

import numpy as np

from model_store.schema.signature import Kind, Signature


class TrainingRange:
    """The ranges and categories of the training data, by input column."""

    def __init__(self, signature: Signature) -> None:
        self._bounds = [
            (column.name, _bound(column.kind, column.minimum), _bound(column.kind, column.maximum))
            for column in signature.inputs
            if column.minimum is not None and column.maximum is not None
        ]
        self._categories = [
            (column.name, frozenset({None, *column.categories}))
            for column in signature.inputs
            if column.kind is Kind.CATEGORY
        ]

    def rows_outside(self, columns: Mapping[str, np.ndarray]) -> int:
        """Return how many rows have a value outside; a missing value is not outside."""
        outside: np.ndarray | bool = False
        for name, low, high in self._bounds:
            values = columns[name]
            # Missing compares as false with everything.
            beyond = (values < low) | (values > high)
            outside = outside | (beyond if beyond.ndim == 1 else _any_of_row(beyond))
        for name, known in self._categories:
            values = columns[name].tolist()
            # Most batches have no other category, which their different values show soonest.
            if not known.issuperset(values):
                outside = outside | np.array([value not in known for value in values], bool)
        return int(np.count_nonzero(outside))


def _any_of_row(beyond: np.ndarray) -> np.ndarray:
    """Return whether any number of an array is beyond, `(rows,)`."""
    return np.asarray(beyond.reshape(len(beyond), -1).any(axis=1))


def _bound(kind: Kind, value: float | str | None) -> float | np.datetime64:
    if kind is Kind.DATETIME:
        # numpy reads no zone, and all of ours are UTC.
        return np.datetime64(str(value).removesuffix("Z").removesuffix("+00:00"), "us")
    return float(value or 0.0)
