"""An array as a few numbers that can be watched: 784 of a picture would be 784 alarms.

| summary    | what it sees                                                                      |
| ---------- | --------------------------------------------------------------------------------- |
| mean       | how bright a picture is, as a whole                                               |
| deviation  | how much contrast it has                                                          |
| distance   | how unseen it is: how far from the middle of training, along its main directions  |
| residual   | what these directions cannot rebuild: high for what training had nothing of, and  |
|            | low for what is too plain, such as an empty picture                               |

The directions are the principal components of some training rows; the summaries are compared with
those of the others, as rows that the components were made of look better than any new one.
"""

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

SUMMARIES = ("mean", "deviation", "distance", "residual")
"""The names of the summaries, in the order in which they are computed."""

DTYPES = frozenset(
    ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float32", "float64"]
)
_MOST_COMPONENTS = 16
_MOST_PLACES = 4096
"""Longer arrays are averaged over neighbours before: a basis must fit into a bundle."""
_FITTED_ROWS = 1000
_LARGEST = 1e150
"""What is larger is cut: its square would be infinite, which stands for a hash in a window."""
_CHUNK = 256

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ArraySummaries:
    """Computes the summaries of the arrays of one column."""

    dtype: str
    shape: tuple[int, ...]
    pooled: int
    """How many neighbours are averaged to a place."""
    center: Numbers
    """`(places,)`: the mean of training."""
    components: Numbers
    """`(components, places)`: orthonormal."""
    scales: Numbers
    """`(components,)`: the standard deviation of training along each."""

    @classmethod
    def fit(cls, arrays: np.ndarray, dtype: str) -> "ArraySummaries":
        """Learn the main directions of arrays, `(rows, *shape)`, with at least one row."""
        shape = arrays.shape[1:]
        pooled = -(-prod(shape) // _MOST_PLACES)
        # Evenly spaced, as rows may be in the order of their labels.
        rows = _pooled(arrays[:: max(1, len(arrays) // _FITTED_ROWS)][:_FITTED_ROWS], pooled)
        center = rows.mean(axis=0)
        _, values, directions = np.linalg.svd(rows - center, full_matrices=False)
        scales = values / np.sqrt(max(len(rows) - 1, 1))
        # Directions in which training hardly differs are noise; all in which a few rows differ
        # would rebuild anything.
        kept = min(_MOST_COMPONENTS, len(rows) // 4, int((scales > 1e-6 * scales[:1]).sum()))
        found = cls(dtype, shape, pooled, center, directions[:kept], scales[:kept])
        # As it is read back, so that training and windows are summarised alike.
        return cls.of_profile(found.profile())

    def __call__(self, arrays: np.ndarray) -> Numbers:
        """Return the summaries of arrays, `(rows, *shape)`: `(4, rows)`."""
        parts = [
            self._summaries(arrays[start : start + _CHUNK])
            for start in range(0, len(arrays), _CHUNK)
        ]
        return np.concatenate(parts, axis=1) if parts else np.empty((len(SUMMARIES), 0))

    def read(self, values: Sequence[str | None]) -> Numbers:
        """Return the summaries of logged values, `(4, rows)`, NaN where one is missing.

        Raises:
            ValueError: one is no base64 of such an array.
        """
        found = np.full((len(SUMMARIES), len(values)), np.nan)
        places = [place for place, value in enumerate(values) if value is not None]
        for start in range(0, len(places), _CHUNK):
            part = places[start : start + _CHUNK]
            found[:, part] = self(np.stack([self._array(values[place]) for place in part]))
        return found

    def profile(self) -> dict[str, object]:
        """Return what `of_profile` reads, JSON-ready."""
        return {
            "dtype": self.dtype,
            "shape": list(self.shape),
            "pooled": self.pooled,
            "center": _packed(self.center),
            "components": _packed(self.components),
            "scales": _packed(self.scales),
        }

    @classmethod
    def of_profile(cls, basis: Mapping[str, Any]) -> "ArraySummaries":
        """Return what `profile` described.

        Raises:
            ValueError: it is damaged.
        """
        shape, pooled = tuple(map(int, basis["shape"])), int(basis["pooled"])
        if basis["dtype"] not in DTYPES or not shape or min(shape) < 1 or pooled < 1:
            raise ValueError("an array is of no known type and shape")
        places = -(-prod(shape) // pooled)
        center, scales = _unpacked(basis["center"]), _unpacked(basis["scales"])
        components = _unpacked(basis["components"])
        if len(center) != places or len(components) != places * len(scales):
            raise ValueError("the components of an array do not fit its shape")
        if (scales <= 0).any():
            raise ValueError("a component of an array has no scale")
        return cls(
            basis["dtype"], shape, pooled, center, components.reshape(len(scales), places), scales
        )

    def _array(self, value: object) -> np.ndarray:
        if not isinstance(value, str):
            raise ValueError("The log holds no array in the column.")  # noqa: TRY004 - a value's
        content = binascii.a2b_base64(value, strict_mode=True)
        dtype = np.dtype(self.dtype).newbyteorder("<")
        if len(content) != prod(self.shape) * dtype.itemsize:
            raise ValueError("The log holds an array of another shape.")
        return np.frombuffer(content, dtype).reshape(self.shape)

    def _summaries(self, arrays: np.ndarray) -> Numbers:
        whole = _flat(arrays)
        centered = _pooled(arrays, self.pooled) - self.center
        scores = centered @ self.components.T
        places = centered.shape[1]
        distance = np.sqrt(np.square(scores / self.scales).mean(axis=1)) if len(self.scales) else 0
        rest = np.square(centered).sum(axis=1) - np.square(scores).sum(axis=1)
        found = np.empty((len(SUMMARIES), len(arrays)))
        found[0], found[1] = whole.mean(axis=1), whole.std(axis=1)
        found[2], found[3] = distance, np.sqrt(np.maximum(rest, 0) / places)
        return np.minimum(found, _LARGEST)


def _flat(arrays: np.ndarray) -> Numbers:
    """Return arrays as rows of numbers, `(rows, numbers)`."""
    numbers = arrays.reshape(len(arrays), -1).astype(np.float64)
    return numbers.clip(-_LARGEST, _LARGEST)


def _pooled(arrays: np.ndarray, pooled: int) -> Numbers:
    """Return arrays as rows of means of neighbours, `(rows, places)`."""
    numbers = _flat(arrays)
    if pooled == 1:
        return numbers
    starts = np.arange(0, numbers.shape[1], pooled)
    sizes = np.diff(np.append(starts, numbers.shape[1]))
    return np.asarray(np.add.reduceat(numbers, starts, axis=1) / sizes)


def _packed(numbers: Numbers) -> str:
    # In single precision, which no statistic of a window needs more than.
    content = numbers.clip(-3e38, 3e38).astype("<f4").tobytes()
    return binascii.b2a_base64(content, newline=False).decode("ascii")


def _unpacked(text: str) -> Numbers:
    numbers = np.frombuffer(binascii.a2b_base64(text, strict_mode=True), "<f4")
    if not np.isfinite(numbers).all():
        raise ValueError("a component of an array is not finite")
    return numbers.astype(np.float64)
