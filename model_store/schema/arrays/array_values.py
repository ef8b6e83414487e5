"""Arrays of numbers as JSON writes them: nested lists of the column's shape, or base64.

Base64 is of the numbers' bytes, little-endian, the last axis first to change (C order). It is also
how the log and the golden rows keep an array, whichever way it was sent: 784 bytes are 1,048
characters, and nested lists of them up to 3,900.
"""

import binascii
from collections.abc import Sequence
from math import prod
from typing import Annotated, Any

import msgspec
import numpy as np

from model_store.schema.signature import LARGEST_INTEGER, Column

Cell = np.ndarray | None
"""An array of the column's shape; None is a missing one."""


def numbers_dtype(column: Column) -> np.dtype[Any]:
    """Return the type of the numbers of an array column, in the order of bytes that base64 has."""
    return np.dtype(column.dtype).newbyteorder("<")


def text_length(column: Column) -> int:
    """Return how many characters the base64 of an array has."""
    size = prod(column.shape) * numbers_dtype(column).itemsize
    return (size + 2) // 3 * 4


def bounds(column: Column) -> tuple[int, int]:
    """Return the least and the greatest number of a column of whole numbers."""
    info = np.iinfo(column.dtype)
    return max(int(info.min), -LARGEST_INTEGER), min(int(info.max), LARGEST_INTEGER)


def array_json_type(column: Column) -> Any:
    """Return the type that msgspec decodes an array's JSON value to, before it is read."""
    kind: Any = {"b": bool, "f": float}.get(np.dtype(column.dtype).kind)
    if kind is None:
        least, greatest = bounds(column)
        kind = Annotated[int, msgspec.Meta(ge=least, le=greatest)] | float
    for size in reversed(column.shape):
        kind = Annotated[list[kind], msgspec.Meta(min_length=size, max_length=size)]
    length = text_length(column)
    return kind | Annotated[str, msgspec.Meta(min_length=length, max_length=length)]


def read_array(value: list[Any] | str, column: Column) -> np.ndarray:
    """Return the array that a JSON value is, of the column's type and shape.

    Args:
        value: as `array_json_type` lets it through.
        column: of kind array.

    Raises:
        ValueError: it is no such array; the sentence holds no value.
    """
    array = _of_text(value, column) if isinstance(value, str) else _of_lists(value, column)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("a number is not finite")
    return array


def write_array(array: np.ndarray) -> str:
    """Return the base64 of an array's numbers."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return binascii.b2a_base64(little.tobytes(), newline=False).decode("ascii")


def stacked(cells: Sequence[Cell], column: Column) -> np.ndarray:
    """Return cells as one array, `(rows, *shape)`; a missing one is NaN in each place."""
    if not column.nullable:
        array = np.empty((len(cells), *column.shape), column.dtype)
        for place, cell in enumerate(cells):
            array[place] = cell
        return array
    array = np.full((len(cells), *column.shape), np.nan)
    for place, cell in enumerate(cells):
        if cell is not None:
            array[place] = cell
    return array


def missing_rows(array: np.ndarray) -> np.ndarray:
    """Return which rows of an array, `(rows, *shape)`, are missing: `(rows,)`, bool."""
    # No number of an array is missing by itself, so that the first one says it of all.
    first = array.reshape(len(array), -1)[:, 0]
    return np.isnan(first) if array.dtype.kind == "f" else np.zeros(len(array), bool)


def _of_text(text: str, column: Column) -> np.ndarray:
    dtype = numbers_dtype(column)
    content = binascii.a2b_base64(text, strict_mode=True)
    if len(content) != prod(column.shape) * dtype.itemsize:
        raise ValueError("another number of bytes")
    array = np.frombuffer(content, dtype)
    if dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise ValueError("a byte is neither 0 nor 1")
    if dtype.kind in "iu" and dtype.itemsize > 4 and _is_beyond(array):  # noqa: PLR2004 - bytes
        raise ValueError("an integer is beyond 2**53")
    return array.astype(column.dtype, copy=False).reshape(column.shape)


def _of_lists(value: list[Any], column: Column) -> np.ndarray:
    dtype = np.dtype(column.dtype)
    if dtype.kind == "b":
        array = np.array(value, bool)
    else:
        numbers = np.array(value, np.float64)
        if dtype.kind in "iu":
            least, greatest = bounds(column)
            if (numbers != np.floor(numbers)).any() or not _is_within(numbers, least, greatest):
                raise ValueError("a number is not whole")
        with np.errstate(over="ignore"):
            array = numbers.astype(dtype)
    if array.shape != column.shape:
        raise ValueError("another shape")
    return array


def _is_within(numbers: np.ndarray, least: int, greatest: int) -> bool:
    return bool(((numbers >= least) & (numbers <= greatest)).all())


def _is_beyond(array: np.ndarray) -> bool:
    return not _is_within(array, -LARGEST_INTEGER, LARGEST_INTEGER)
